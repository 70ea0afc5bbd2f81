import type { Dictionary } from '../util/dictionary';
import { Authenticator } from './authenticator';
import { ReplicatorConfiguration } from './replicator-configuration';

/** A Sync Gateway session, sent as a cookie. */
export class SessionAuthenticator extends Authenticator {
  private readonly sessionID: string;
  private readonly cookieName: string;

  constructor(sessionID: string, cookieName: string | null = 'SyncGatewaySession') {
    super();
    this.sessionID = sessionID;
    this.cookieName = cookieName as string;
  }

  getType(): string {
    return 'session';
  }

  getSessionID(): string {
    return this.sessionID;
  }

  getCookieName(): string {
    return this.cookieName;
  }

  /** Appends the cookie to `options.cookies`. */
  authenticate(options: Dictionary): void {
    const key = ReplicatorConfiguration.CBLReplicatorOptionCookies;
    const cookie = `${this.cookieName}=${this.sessionID}`;
    options[key] = options[key] ? `${options[key]}; ${cookie}` : cookie;
  }

  toJson(): any {
    return { cookieName: this.cookieName, sessionID: this.sessionID };
  }
}
