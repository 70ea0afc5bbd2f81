import type { SetteeEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import type { FoundPeerResult } from '../engine/results';
import { hide } from '../util/hidden';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import { newToken } from './subscriptions';

/** What a browser tells of. */
export type PeerEvent =
  | {
      /** A listener came, or changed: the same name with other addresses, for example. */
      type: 'found';
      peer: FoundPeerResult;
    }
  | {
      /** It went. That it does not answer any more may show much earlier. */
      type: 'lost';
      name: string;
    };

/**
 * Browses the local network for listeners that advertise themselves (DNS-SD, `_cblpeer._tcp`).
 *
 * Everything that it tells is a hint, which anybody on the network can forge: who somebody is, only
 * a TLS handshake with a pinned certificate tells. It does not keep a process running.
 *
 * @example
 * const browser = await PeerBrowser.start({ group: 'orchard' }, (event) => {
 *   if (event.type === 'found') {
 *     replicateWith(event.peer.urls);
 *   }
 * });
 * await browser.stop();
 */
export class PeerBrowser {
  declare private readonly _engine: SetteeEngine;
  declare private readonly _token: string;

  private constructor(engine: SetteeEngine, token: string) {
    hide(this, '_engine', engine);
    hide(this, '_token', token);
  }

  /** Starts to browse, for all listeners or for those of a group. */
  static async start(
    options: { group?: string },
    listener: (event: PeerEvent) => void,
  ): Promise<PeerBrowser> {
    const engine = currentEngine() as SetteeEngine;
    if (typeof engine.dnssd_Browse !== 'function') {
      throw liteException(ErrorCode.Unsupported, 'browsing is not supported by this engine');
    }
    const changeListenerToken = newToken(engine);
    await engine.dnssd_Browse({ group: options?.group, changeListenerToken }, (data: any) =>
      listener(
        data.found === undefined
          ? { type: 'lost', name: data.lost }
          : { type: 'found', peer: data.found },
      ),
    );
    return new PeerBrowser(engine, changeListenerToken);
  }

  /** Stops; nothing is told once it has resolved. A second call rejects. */
  stop(): Promise<void> {
    return this._engine.dnssd_RemoveBrowser({ changeListenerToken: this._token });
  }
}
