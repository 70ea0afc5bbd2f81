import {
  type ListenerConnection,
  type ListenerRequest,
  type TlsIdentityConfig,
  URLEndpointListener,
} from 'settee';
import type { Approvals } from './approvals';
import { Changes, messageOf, remember, remembered } from './changes';
import { GROUP } from './nearby';
import type { CollectionName, Store } from './store';

const KEY = 'recipes.sharing';

/** How often connections are counted while the listener runs, milliseconds. */
const COUNT_EVERY = 1000;

/** What the user may choose; secrets are not remembered. */
export interface SharingForm {
  collections: CollectionName[];
  /** Empty: any free port. */
  port: string;
  tls: boolean;
  identity: 'own' | 'selfSigned' | 'imported';
  commonName: string;
  certificate: string;
  certificateName: string;
  certificatePassword: string;
  protect: boolean;
  /** Others on the local network find this device. */
  announce: boolean;
  password: string;
}

/** Lets other devices connect to this one. */
export class Sharing extends Changes {
  state: 'off' | 'starting' | 'on' | 'stopping' = 'off';
  error = '';
  urls: string[] = [];
  connections: ListenerConnection[] = [];
  form: SharingForm;
  private listener: URLEndpointListener | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly store: Store,
    private readonly approvals: Approvals,
  ) {
    super();
    this.form = remembered<SharingForm>(KEY, {
      collections: ['recipes', 'shopping'],
      port: '',
      tls: true,
      identity: 'own',
      commonName: '',
      certificate: '',
      certificateName: '',
      certificatePassword: '',
      protect: true,
      announce: false,
      password: '',
    });
  }

  change(change: Partial<SharingForm>): void {
    this.form = { ...this.form, ...change };
    const { password, certificate, certificateName, certificatePassword, ...open } = this.form;
    remember(KEY, open);
    this.changed();
  }

  /** What keeps the listener from being started; empty when nothing does. */
  problem(): string {
    const { collections, port, protect, password, tls, identity, commonName, certificate } =
      this.form;
    if (collections.length === 0) {
      return 'Choose at least one collection.';
    }
    if (
      port !== '' &&
      !(Number.isInteger(Number(port)) && Number(port) >= 1 && Number(port) <= 65535)
    ) {
      return 'The port is a number from 1 to 65535.';
    }
    if (protect && password.length < 4) {
      return 'The password needs at least 4 characters.';
    }
    if (tls && identity === 'selfSigned' && commonName.trim() === '') {
      return 'The certificate needs a name.';
    }
    if (tls && identity === 'imported' && certificate === '') {
      return 'Choose a certificate file.';
    }
    return '';
  }

  async start(): Promise<void> {
    const { form } = this;
    this.enter('starting');
    try {
      this.listener = await URLEndpointListener.create({
        collections: this.store.chosen(form.collections),
        port: Number(form.port || 0),
        disableTLS: !form.tls,
        ...(form.tls ? identityOf(form) : {}),
        ...(form.protect
          ? {
              authenticatorConfig: {
                type: 'basic' as const,
                authenticate: (name: string, password: string) =>
                  name !== '' && password === form.password,
              },
            }
          : {}),
        // Whoever knows the password still waits until the user lets it in.
        requestAuthorizer: (request) => this.approvals.ask(deviceOf(request)),
      });
      await this.listener.start();
      this.urls = this.listener.getUrls();
      if (form.announce) {
        await this.listener.advertise({ group: GROUP });
      }
      this.timer = setInterval(() => this.count(), COUNT_EVERY);
      this.enter('on');
    } catch (error) {
      await this.listener?.stop().catch(() => undefined);
      this.listener = undefined;
      this.enter('off', messageOf(error));
    }
  }

  async stop(): Promise<void> {
    this.enter('stopping');
    clearInterval(this.timer);
    try {
      await this.listener?.stop();
      this.enter('off');
    } catch (error) {
      this.enter('off', messageOf(error));
    }
    this.urls = [];
    this.connections = [];
    this.changed();
  }

  /** Ends the connections of a device; its replicator stops. */
  async disconnect({ principal }: ListenerConnection): Promise<void> {
    await this.listener?.disconnect(principal);
    await this.count();
  }

  private async count(): Promise<void> {
    const connections = await this.listener?.connections().catch(() => undefined);
    if (connections !== undefined && this.state === 'on') {
      const before = JSON.stringify(this.connections);
      this.connections = connections;
      if (JSON.stringify(connections) !== before) {
        this.changed();
      }
    }
  }

  private enter(state: Sharing['state'], error = ''): void {
    this.state = state;
    this.error = error;
    this.changed();
  }
}

/** The name of a device: the one it logs in with, else where it is. */
export function deviceOf({
  principal,
  address,
}: Pick<ListenerRequest, 'principal' | 'address'>): string {
  return principal.startsWith('user:')
    ? principal.slice('user:'.length)
    : address.replace(/:\d+$/, '');
}

function identityOf(form: SharingForm): { tlsIdentityConfig?: TlsIdentityConfig } {
  switch (form.identity) {
    case 'selfSigned':
      return {
        tlsIdentityConfig: {
          mode: 'selfSigned',
          attributes: { certAttrCommonName: form.commonName.trim() },
        },
      };
    case 'imported':
      return {
        tlsIdentityConfig: {
          mode: 'imported',
          certBase64: form.certificate,
          password: form.certificatePassword,
        },
      };
    default:
      // One that is made once and kept.
      return {};
  }
}
