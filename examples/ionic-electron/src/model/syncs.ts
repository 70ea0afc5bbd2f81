import {
  BasicAuthenticator,
  Replicator,
  ReplicatorActivityLevel,
  ReplicatorConfiguration,
  ReplicatorType,
  URLEndpoint,
} from 'settee';
import { Changes, messageOf, remember, remembered } from './changes';
import type { CollectionName, Store } from './store';

const KEY = 'recipes.syncs';

export interface SyncForm {
  address: string;
  collections: CollectionName[];
  direction: 'both' | 'push' | 'pull';
  continuous: boolean;
  password: string;
  trust: 'selfSigned' | 'system' | 'pinned';
  pinned: string;
}

/** One connection to another device. */
export interface Sync {
  id: number;
  form: SyncForm;
  state: 'starting' | 'busy' | 'idle' | 'waiting' | 'stopped' | 'done' | 'failed';
  error: string;
  completed: number;
  total: number;
  /** Documents that came and went since it was started. */
  received: number;
  sent: number;
  replicator?: Replicator;
}

const TYPES = {
  both: ReplicatorType.PUSH_AND_PULL,
  push: ReplicatorType.PUSH,
  pull: ReplicatorType.PULL,
};

/** Replicates with other devices. */
export class Syncs extends Changes {
  list: Sync[] = [];
  form: SyncForm;
  private lastId = 0;

  constructor(
    private readonly store: Store,
    private readonly deviceName: () => string,
  ) {
    super();
    this.form = remembered<SyncForm>(KEY, {
      address: '',
      collections: ['recipes', 'shopping'],
      direction: 'both',
      continuous: true,
      password: '',
      trust: 'selfSigned',
      pinned: '',
    });
  }

  change(change: Partial<SyncForm>): void {
    this.form = { ...this.form, ...change };
    const { password, ...open } = this.form;
    remember(KEY, open);
    this.changed();
  }

  problem(): string {
    const { address, collections, trust, pinned } = this.form;
    if (!/^wss?:\/\/[^/\s]+\/[^/\s]+$/.test(address.trim())) {
      return 'The address looks like wss://192.168.1.20:55990/recipes.';
    }
    if (collections.length === 0) {
      return 'Choose at least one collection.';
    }
    if (trust === 'pinned' && pinned.trim() === '') {
      return 'Paste the certificate to trust.';
    }
    return '';
  }

  /** Starts what the form says. */
  async add(): Promise<void> {
    const sync: Sync = {
      id: ++this.lastId,
      form: { ...this.form, address: this.form.address.trim() },
      state: 'starting',
      error: '',
      completed: 0,
      total: 0,
      received: 0,
      sent: 0,
    };
    this.list = [sync, ...this.list];
    await this.start(sync);
  }

  async start(sync: Sync): Promise<void> {
    Object.assign(sync, { state: 'starting', error: '', received: 0, sent: 0 });
    this.changed();
    try {
      await sync.replicator?.cleanup();
      sync.replicator = await Replicator.create(this.configuration(sync.form));
      await this.follow(sync, sync.replicator);
      await sync.replicator.start(false);
    } catch (error) {
      Object.assign(sync, { state: 'failed', error: messageOf(error) });
    }
    this.changed();
  }

  async stop(sync: Sync): Promise<void> {
    try {
      await sync.replicator?.stop();
    } catch (error) {
      Object.assign(sync, { state: 'failed', error: messageOf(error) });
      this.changed();
    }
  }

  async remove(sync: Sync): Promise<void> {
    this.list = this.list.filter((other) => other !== sync);
    this.changed();
    try {
      await sync.replicator?.stop();
      await sync.replicator?.cleanup();
    } catch {
      // It is gone from the screen, and with the window from the engine.
    }
  }

  private configuration(form: SyncForm): ReplicatorConfiguration {
    const config = new ReplicatorConfiguration(new URLEndpoint(form.address));
    for (const collection of this.store.chosen(form.collections)) {
      config.addCollection(collection);
    }
    config.setReplicatorType(TYPES[form.direction]);
    config.setContinuous(form.continuous);
    config.setAcceptOnlySelfSignedCerts(form.trust === 'selfSigned');
    if (form.trust === 'pinned') {
      config.setPinnedServerCertificate(bareBase64(form.pinned));
    }
    if (form.password !== '') {
      config.setAuthenticator(new BasicAuthenticator(this.deviceName(), form.password));
    }
    return config;
  }

  private async follow(sync: Sync, replicator: Replicator): Promise<void> {
    await replicator.addChangeListener(({ status }) => {
      const error = status.getError();
      sync.completed = status.getProgress().getCompleted();
      sync.total = status.getProgress().getTotal();
      sync.error = error === undefined || error === null ? '' : String(error);
      sync.state = stateOf(Number(status.getActivityLevel()), sync);
      this.changed();
    });
    await replicator.addDocumentChangeListener(({ isPush, documents }) => {
      const count = documents.filter(({ error }) => !error).length;
      if (isPush) {
        sync.sent += count;
      } else {
        sync.received += count;
      }
      this.changed();
    });
  }
}

function stateOf(level: ReplicatorActivityLevel, { error, form }: Sync): Sync['state'] {
  switch (level) {
    case ReplicatorActivityLevel.STOPPED:
      return error === '' ? (form.continuous ? 'stopped' : 'done') : 'failed';
    case ReplicatorActivityLevel.OFFLINE:
      return 'waiting';
    case ReplicatorActivityLevel.CONNECTING:
      return 'starting';
    case ReplicatorActivityLevel.IDLE:
      return 'idle';
    default:
      return 'busy';
  }
}

/** A certificate may be pasted as PEM. */
function bareBase64(text: string): string {
  return text.replace(/-----[^-]+-----/g, '').replace(/\s+/g, '');
}
