import { Changes, remember, remembered } from './changes';

const KEY = 'recipes.devices';

/** Another device that has asked, or was answered. */
export interface Device {
  name: string;
  state: 'asking' | 'allowed' | 'blocked';
  /** When it asked last or was answered, milliseconds since 1970. */
  at: number;
}

/** Which devices may sync with this one: each is asked about once, before its first sync. */
export class Approvals extends Changes {
  private readonly devices = new Map<string, Device>();
  private readonly waiting = new Map<string, ((allowed: boolean) => void)[]>();

  constructor() {
    super();
    const { known } = remembered<{ known: Device[] }>(KEY, { known: [] });
    for (const device of known) {
      this.devices.set(device.name, device);
    }
  }

  list(): Device[] {
    return [...this.devices.values()].sort((a, b) => b.at - a.at);
  }

  asking(): Device[] {
    return this.list().filter(({ state }) => state === 'asking');
  }

  /** Resolves when the user has decided; at once for a device that is known. */
  ask(name: string): Promise<boolean> {
    const known = this.devices.get(name);
    if (known !== undefined && known.state !== 'asking') {
      return Promise.resolve(known.state === 'allowed');
    }
    this.devices.set(name, { name, state: 'asking', at: Date.now() });
    return new Promise((resolve) => {
      this.waiting.set(name, [...(this.waiting.get(name) ?? []), resolve]);
      this.changed();
    });
  }

  decide(name: string, allowed: boolean): void {
    this.devices.set(name, { name, state: allowed ? 'allowed' : 'blocked', at: Date.now() });
    for (const resolve of this.waiting.get(name) ?? []) {
      resolve(allowed);
    }
    this.waiting.delete(name);
    this.save();
  }

  /** The device will be asked about again. */
  forget(name: string): void {
    this.devices.delete(name);
    this.save();
  }

  private save(): void {
    remember(KEY, { known: this.list().filter(({ state }) => state !== 'asking') });
    this.changed();
  }
}
