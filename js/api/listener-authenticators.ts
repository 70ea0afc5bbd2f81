import type {
  ListenerAuthenticatorConfig,
  ListenerCertificateCallback,
  ListenerCertificateConfig,
  ListenerPasswordCallback,
} from '../engine/arguments';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import type { CertificateLike, TLSCertificate } from './tls-certificate';

/** Any of the forms in which a listener is told who may connect. */
export type AnyAuthenticatorConfig =
  | ListenerAuthenticatorConfig
  | ListenerPasswordCallback
  | ListenerCertificateConfig
  | ListenerCertificateCallback;

/** Decides who may connect to a listener. */
export abstract class ListenerAuthenticator {
  /** The same as an `authenticatorConfig`. */
  abstract toConfig(): AnyAuthenticatorConfig;
}

/**
 * Admits by name and password (HTTP Basic): one user, or whoever a function admits.
 *
 * @example
 * new ListenerPasswordAuthenticator((username, password) => users.check(username, password));
 */
export class ListenerPasswordAuthenticator extends ListenerAuthenticator {
  private readonly config: ListenerAuthenticatorConfig | ListenerPasswordCallback;

  constructor(authenticate: ListenerPasswordCallback['authenticate']);
  constructor(username: string, password: string);
  constructor(first: string | ListenerPasswordCallback['authenticate'], password?: string) {
    super();
    this.config =
      typeof first === 'function'
        ? { type: 'basic', authenticate: first }
        : { type: 'basic', data: { username: first, password: password as string } };
  }

  toConfig(): AnyAuthenticatorConfig {
    return this.config;
  }
}

/**
 * Admits by TLS client certificate: those that lead to one of the root certificates, or those that
 * a function admits, which then carries the whole responsibility. A self-signed client is admitted
 * by its own certificate as a root. Needs TLS.
 *
 * @example
 * new ListenerCertificateAuthenticator((chain) => known.has(chain[0].fingerprint));
 */
export class ListenerCertificateAuthenticator extends ListenerAuthenticator {
  private readonly config: ListenerCertificateConfig | ListenerCertificateCallback;

  constructor(rootCertificates: CertificateLike[]);
  constructor(
    authenticate: (
      certificates: TLSCertificate[],
      verifiedDepth: number,
    ) => boolean | Promise<boolean>,
  );
  constructor(first: CertificateLike[] | ListenerCertificateCallback['authenticate']) {
    super();
    if (typeof first === 'function') {
      this.config = { type: 'certificate', authenticate: first };
    } else if (Array.isArray(first)) {
      this.config = { type: 'certificate', data: { rootCertificates: first } };
    } else {
      throw liteException(
        ErrorCode.InvalidParameter,
        'a certificate authenticator needs root certificates or a function',
      );
    }
  }

  toConfig(): AnyAuthenticatorConfig {
    return this.config;
  }
}
