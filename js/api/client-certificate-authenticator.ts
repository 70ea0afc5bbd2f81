import type { Dictionary } from '../util/dictionary';
import { Authenticator } from './authenticator';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import { ReplicatorConfiguration } from './replicator-configuration';
import type { TLSIdentity } from './tls-identity';

/**
 * Proves who a replicator is with a TLS client certificate, which it presents to a listener that
 * asks for one.
 */
export class ClientCertificateAuthenticator extends Authenticator {
  constructor(private readonly identity: TLSIdentity) {
    super();
    if (typeof identity?._reference !== 'string') {
      throw liteException(
        ErrorCode.InvalidParameter,
        'ClientCertificateAuthenticator needs a TLSIdentity',
      );
    }
  }

  getIdentity(): TLSIdentity {
    return this.identity;
  }

  getType(): string {
    return 'clientCert';
  }

  /** Sets `options.auth` and returns it. */
  authenticate(options: Dictionary): any {
    const auth = {
      [ReplicatorConfiguration.CBLReplicatorAuthType]:
        ReplicatorConfiguration.CBLAuthTypeClientCert,
      [ReplicatorConfiguration.CBLReplicatorAuthClientCert]: this.identity._reference,
    };
    options[ReplicatorConfiguration.CBLReplicatorAuthOption] = auth;
    return auth;
  }

  toJson(): any {
    return { label: this.identity._reference };
  }
}
