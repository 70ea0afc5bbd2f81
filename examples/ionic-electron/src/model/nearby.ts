import { PeerBrowser } from 'settee';
import { Changes, messageOf } from './changes';

/** Only devices with this app find each other. */
export const GROUP = 'settee-recipes';

/** Devices on the local network that are shared and say so. Who they are, only a handshake proves. */
export class Nearby extends Changes {
  state: 'off' | 'starting' | 'looking' = 'off';
  error = '';
  private readonly found = new Map<string, string[]>();
  private browser: PeerBrowser | undefined;

  /** Their addresses. */
  get addresses(): string[] {
    return [...this.found.values()].flatMap((urls) => urls.slice(0, 1)).sort();
  }

  async start(): Promise<void> {
    this.state = 'starting';
    this.error = '';
    this.changed();
    try {
      this.browser = await PeerBrowser.start({ group: GROUP }, (event) => {
        if (event.type === 'found') {
          this.found.set(event.peer.name, event.peer.urls);
        } else {
          this.found.delete(event.name);
        }
        this.changed();
      });
      this.state = 'looking';
    } catch (error) {
      this.state = 'off';
      this.error = messageOf(error);
    }
    this.changed();
  }

  async stop(): Promise<void> {
    await this.browser?.stop().catch(() => undefined);
    this.browser = undefined;
    this.found.clear();
    this.state = 'off';
    this.changed();
  }
}
