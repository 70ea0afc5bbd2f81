/** Numbers of the `CouchbaseLite` error domain that the JavaScript layer itself uses. */
export enum ErrorCode {
  NotOpen = 6,
  NotFound = 7,
  InvalidParameter = 9,
  Unsupported = 19,
}

/** An error as it crosses the engine's boundaries (api §14.2, §20). */
export interface ErrorParts {
  message: string;
  domain: string;
  code: number;
}

/**
 * What every failed engine call rejects with.
 *
 * `message`, `domain` and `code` are enumerable, so `JSON.stringify` shows them; those made by the
 * engine also have `errorMessage`, equal to `message`. Codes: 1 to 32 as Couchbase Lite numbers
 * them, 5000 + a network reason, 10000 + an HTTP or WebSocket status. Source: api §4.4, §14.2.
 */
export class CouchbaseLiteException extends Error {
  /** Domain of all errors that are neither SQLite's nor the operating system's. */
  static readonly DOMAIN = 'CouchbaseLite';

  readonly domain: string;
  readonly code: number;
  /** Same as `message`; set on errors that come from the engine. */
  declare readonly errorMessage?: string;

  constructor(message: string, domain: string, code: number) {
    super(message);
    Object.defineProperty(this, 'message', {
      value: message,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    this.domain = domain;
    this.code = code;
  }
}

/** Rebuilds an exception from the parts that crossed a boundary. */
export function exceptionFromParts(parts: ErrorParts): CouchbaseLiteException {
  const exception = new CouchbaseLiteException(parts.message, parts.domain, parts.code);
  Object.defineProperty(exception, 'errorMessage', {
    value: parts.message,
    enumerable: true,
    writable: true,
    configurable: true,
  });
  return exception;
}

/** An exception of the `CouchbaseLite` domain made by the JavaScript layer. */
export function liteException(code: ErrorCode, message: string): CouchbaseLiteException {
  return exceptionFromParts({ message, domain: CouchbaseLiteException.DOMAIN, code });
}
