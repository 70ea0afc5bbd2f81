import type { SetteeEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import type { TLSIdentityResult } from '../engine/results';
import { base64FromBytes } from '../util/base64';
import { toArrayBuffer } from '../util/bytes';
import { hide } from '../util/hidden';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import { certificatesFrom, type TLSCertificate } from './tls-certificate';

/** What a new self-signed identity should be. */
export interface TLSIdentityOptions {
  /** `certAttrCommonName` and the other `certAttr…` names, or X.509 short names. */
  attributes: { certAttrCommonName?: string; [name: string]: string | undefined };
  /** Date, or ISO 8601 text; at most ten years ahead, one year by default. */
  expiration?: Date | string;
  /** Stores the identity under this label; without one it lives as long as the process. */
  label?: string;
  /** What it is for; both by default. */
  usage?: 'server' | 'client' | 'both';
}

/** A PKCS#12 file to import. */
export interface TLSIdentityImport {
  /** The file: bytes, or their base64. */
  data: ArrayBuffer | Uint8Array | string;
  password?: string;
  /** As for a new one. */
  label?: string;
}

/** How the private keys of stored identities are kept. */
export interface TLSIdentityProtection {
  /**
   * `strong`: the system's key store keeps the key, the user's files are not enough. `weak`: other
   * users are kept out, other programs of the same user are not.
   */
  protection: 'strong' | 'weak';
  /**
   * What keeps the key that all of them are encrypted with: `macOS Keychain`,
   * `Windows Credential Manager`, `Secret Service` or `owner-only file`.
   */
  keeper: string;
}

/**
 * A certificate chain with its private key, for listeners and replicators. The key stays in the
 * engine. As in the native Couchbase Lite; cblite-js hides it.
 *
 * @example
 * const identity =
 *   (await TLSIdentity.getIdentity('desk')) ??
 *   (await TLSIdentity.createIdentity({ label: 'desk', attributes: { certAttrCommonName: 'Desk' } }));
 * const listener = await URLEndpointListener.create({ collections, tlsIdentity: identity });
 */
export class TLSIdentity {
  /** Under which it is stored; null when it is not. */
  readonly label: string | null;
  /** Leaf first. */
  readonly certificates: TLSCertificate[];
  /** What the engine calls it. */
  declare readonly _reference: string;

  private constructor(result: TLSIdentityResult) {
    this.label = result.label.startsWith('~') ? null : result.label;
    this.certificates = certificatesFrom(result.certificates);
    hide(this, '_reference', result.label);
  }

  /** Last moment of the first certificate's life. */
  get expiration(): Date {
    return this.certificates[0].notAfter;
  }

  /**
   * Makes an RSA key of 2048 bits and a certificate of its own. Rejects when the label is in use,
   * the common name is missing, or the expiration is past.
   */
  static async createIdentity(options: TLSIdentityOptions): Promise<TLSIdentity> {
    const { attributes, expiration, label, usage } = options ?? {};
    const date = expiration instanceof Date || isDate(expiration);
    const result = await settee().tlsIdentity_Create({
      attributes,
      expiration: date ? dateText(expiration as Date) : (expiration as string | undefined),
      label,
      usage,
    });
    return new TLSIdentity(result);
  }

  /**
   * Reads a PKCS#12 file of old or new encryption. Rejects when the label is in use, the password
   * is wrong, there is not exactly one private key with a certificate, or that one is expired or
   * not valid yet.
   */
  static async importIdentity(source: TLSIdentityImport): Promise<TLSIdentity> {
    const { data, password, label } = source ?? {};
    const certBase64 = typeof data === 'string' ? data : base64Of(data);
    return new TLSIdentity(await settee().tlsIdentity_Import({ certBase64, password, label }));
  }

  /** The stored identity of a label; null when there is none. */
  static async getIdentity(label: string): Promise<TLSIdentity | null> {
    const result = await settee().tlsIdentity_Get({ label });
    return result ? new TLSIdentity(result) : null;
  }

  /**
   * Deletes an identity and frees its label; an unknown one is no error. Listeners and replicators
   * that were made with it keep it.
   */
  static deleteIdentity(identity: string | TLSIdentity): Promise<void> {
    const label = typeof identity === 'string' ? identity : identity?._reference;
    return settee().tlsIdentity_Delete({ label });
  }

  /** The labels in use. */
  static async listIdentities(): Promise<string[]> {
    return (await settee().tlsIdentity_List({})).labels;
  }

  /**
   * How the private keys of stored identities are kept on this machine; when there are none yet,
   * how they would be. Takes up to two seconds then.
   */
  static getProtection(): Promise<TLSIdentityProtection> {
    return settee().tlsIdentity_GetProtection({});
  }
}

function settee(): SetteeEngine {
  const engine = currentEngine() as SetteeEngine;
  if (typeof engine.tlsIdentity_Create !== 'function') {
    throw liteException(ErrorCode.Unsupported, 'TLS identities are not supported by this engine');
  }
  return engine;
}

function base64Of(data: unknown): string {
  const bytes = toArrayBuffer(data);
  if (bytes === undefined) {
    throw liteException(
      ErrorCode.InvalidParameter,
      'the PKCS#12 file must be base64 text, an ArrayBuffer or a Uint8Array',
    );
  }
  return base64FromBytes(new Uint8Array(bytes));
}

/** Also for dates of another realm. */
function isDate(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Date]';
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'an invalid date' : date.toISOString();
}
