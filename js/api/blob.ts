import { toArrayBuffer } from '../util/bytes';
import { stripFileScheme } from '../util/paths';

/** Paths of the blobs made by {@link Blob.fromFile}. */
const paths = new WeakMap<Blob, string>();

/**
 * Binary content of a document, with its MIME type.
 *
 * Unrelated to the Web's `Blob`. A blob that an application makes has no digest and no length; one
 * that comes from a document has both. Source: api §6.3.
 *
 * @example
 * document.setBlob('avatar', new Blob('image/png', bytes));
 * document.setBlob('film', Blob.fromFile('video/mp4', '/media/film.mp4'));
 */
export class Blob {
  /** `sha1-<base64>`; only on a blob that comes from a document. */
  digest: string;
  /** Bytes; only on a blob that comes from a document. */
  length: number;
  bytes: ArrayBuffer;
  private contentType: string;

  /** Copies the viewed range of a typed array or Buffer; keeps an ArrayBuffer as it is. */
  constructor(contentType: string, data: Uint8Array | ArrayBuffer | ArrayBufferView) {
    this.contentType = contentType;
    const bytes = toArrayBuffer(data);
    if (bytes !== undefined) {
      this.bytes = bytes;
    }
  }

  /**
   * A blob whose content is read from a file when it is saved, in bounded memory.
   *
   * The file must stay unchanged until the save has resolved. `getBytes()` reads it whole.
   */
  static fromFile(contentType: string, path: string): Blob {
    const blob = new Blob(contentType, undefined as unknown as ArrayBuffer);
    const plainPath = stripFileScheme(path);
    paths.set(blob, plainPath);
    Object.defineProperty(blob, 'bytes', {
      enumerable: false,
      configurable: true,
      get: () => readFile(plainPath),
    });
    return blob;
  }

  /** From `{contentType, bytes: number[]}`; bytes are taken modulo 256. */
  static fromJSON(json: any): Blob {
    try {
      if (typeof json?.contentType !== 'string' || json.contentType === '') {
        throw new Error('Invalid or missing contentType property');
      }
      if (!Array.isArray(json.bytes)) {
        throw new Error('Invalid or missing bytes property');
      }
      return new Blob(json.contentType, Uint8Array.from(json.bytes as number[]));
    } catch (error) {
      throw new Error(`Failed to parse Blob JSON: ${(error as Error).message}`);
    }
  }

  /** A view on the content, not a copy; empty when there is none. */
  getBytes(): Uint8Array {
    const { bytes } = this;
    return bytes === undefined || bytes === null ? new Uint8Array(0) : new Uint8Array(bytes);
  }

  getContentType(): string {
    return this.contentType;
  }

  getDigest(): string {
    return this.digest;
  }

  getLength(): number {
    return this.length;
  }

  /** `{contentType, data: number[]}`. Costs several times the blob's size; saving does not use it. */
  toDictionary(): { contentType: string; data: number[] } {
    return { contentType: this.contentType, data: Array.from(this.getBytes()) };
  }
}

/** The path behind a blob of {@link Blob.fromFile}; `undefined` for any other. */
export function blobPath(blob: Blob): string | undefined {
  return paths.get(blob);
}

function readFile(path: string): ArrayBuffer {
  const fs = require('fs') as typeof import('fs');
  return toArrayBuffer(fs.readFileSync(path)) as ArrayBuffer;
}
