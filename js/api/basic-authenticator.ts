import type { Dictionary } from '../util/dictionary';
import { Authenticator } from './authenticator';
import { ReplicatorConfiguration } from './replicator-configuration';

/** HTTP Basic: a user name and a password. */
export class BasicAuthenticator extends Authenticator {
  constructor(
    private readonly username: string,
    private readonly password: string,
  ) {
    super();
  }

  getType(): string {
    return 'basic';
  }

  /** Sets `options.auth` and returns it. */
  authenticate(options: Dictionary): any {
    const auth = {
      [ReplicatorConfiguration.CBLReplicatorAuthType]: ReplicatorConfiguration.CBLAuthTypeBasic,
      [ReplicatorConfiguration.CBLReplicatorAuthUserName]: this.username,
      [ReplicatorConfiguration.CBLReplicatorAuthPassword]: this.password,
    };
    options[ReplicatorConfiguration.CBLReplicatorAuthOption] = auth;
    return auth;
  }

  toJson(): any {
    return { username: this.username, password: this.password };
  }
}
