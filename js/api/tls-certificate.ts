import type { TLSCertificateResult } from '../engine/results';
import { base64FromBytes, bytesFromBase64 } from '../util/base64';
import { toArrayBuffer } from '../util/bytes';
import { ErrorCode, liteException } from './couchbase-lite-exception';

/** Something that stands for one certificate: PEM or base64 text, DER bytes, or the object. */
export type CertificateLike = string | ArrayBuffer | Uint8Array | TLSCertificate;

/**
 * A certificate and what it says. Everything in it but its key is a claim of whoever made it:
 * decide by {@link fingerprint}, never by a name.
 */
export class TLSCertificate {
  /** DER. */
  readonly der: Uint8Array;
  /** PEM, for files and for showing. */
  readonly pem: string;
  readonly subject: string;
  readonly issuer: string;
  readonly commonName: string | null;
  /** Host names, addresses, e-mail addresses and URIs. */
  readonly subjectAlternativeNames: string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Base64url of the SHA-256 of the public key: who it is, whatever certificate says so. */
  readonly fingerprint: string;
  /** Base64 of the public key (SPKI, DER). */
  readonly publicKey: string;
  readonly keyType: 'rsa' | 'ec' | 'ed25519' | 'other';
  readonly keyBits: number;
  /** Whether its own key signed it. */
  readonly selfSigned: boolean;

  /** Made by the engine. */
  constructor(facts: TLSCertificateResult) {
    this.der = bytesFromBase64(facts.der);
    this.pem = facts.pem;
    this.subject = facts.subject;
    this.issuer = facts.issuer;
    this.commonName = facts.commonName;
    this.subjectAlternativeNames = facts.subjectAlternativeNames;
    this.notBefore = new Date(facts.notBefore);
    this.notAfter = new Date(facts.notAfter);
    this.fingerprint = facts.fingerprint;
    this.publicKey = facts.publicKey;
    this.keyType = facts.keyType;
    this.keyBits = facts.keyBits;
    this.selfSigned = facts.selfSigned;
  }
}

/** Certificate objects of what the engine tells. */
export function certificatesFrom(facts: TLSCertificateResult[]): TLSCertificate[] {
  return facts.map((one) => new TLSCertificate(one));
}

/**
 * The text in which a certificate goes to the engine. Throws for what cannot be one; the engine
 * looks inside.
 */
export function certificateText(certificate: CertificateLike): string {
  if (typeof certificate === 'string') {
    return certificate;
  }
  const der = (certificate as TLSCertificate | undefined)?.der;
  const bytes = toArrayBuffer(der ?? certificate);
  if (bytes === undefined) {
    throw liteException(
      ErrorCode.InvalidParameter,
      'a certificate must be PEM or base64 text, DER bytes or a TLSCertificate',
    );
  }
  return base64FromBytes(new Uint8Array(bytes));
}
