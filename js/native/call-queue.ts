import { exceptionFromParts } from '../api/couchbase-lite-exception';
import type { ListenerCallback } from '../engine/results';
import type { NewBlob } from './blob-list';
import { loadAddon } from './loader';
import { addRawBlobs, mayHoldBlobs } from './raw-blobs';

/** Kinds of calls as the addon numbers them. */
const FUNCTION = 0;
const SAVE = 1;
const TARGET = 5;

/** Calls on one document without a body. */
export enum DocumentCall {
  Get = 2,
  Delete = 3,
  Purge = 4,
}

/** Kinds of entries in a message. */
enum Kind {
  Nothing = 0,
  Value = 1,
  Failure = 2,
  Saved = 3,
  Bytes = 4,
  Text = 5,
}

/**
 * How many calls may run on this thread before the event loop gets a turn. Sockets and timers
 * would starve if a chain of awaited calls never left it (design D4).
 */
const INLINE_CALLS = 512;

/**
 * Calls that are gathered at most: a loop that issues thousands hands them over in such portions, so
 * that the engine works while the loop runs.
 */
const GATHERED_CALLS = 256;

/** Bytes larger than this are handed over at once instead of being copied until the tick ends. */
const COPIED_BYTES = 64 * 1024;

interface Pending {
  resolve(value: any): void;
  reject(reason: unknown): void;
  /** Runs before the promise resolves. */
  done: (() => void) | undefined;
  /** Runs before the promise rejects. */
  failed: (() => void) | undefined;
  docId: string | undefined;
  /** The database that a document is read from. */
  source: string | undefined;
}

/** What to do around the end of a call. */
export interface CallHooks {
  done?: () => void;
  failed?: () => void;
}

/**
 * Gathers the calls of one tick, hands them to the addon in one native call, in order, and settles
 * their promises when completions come back. Events to listeners come the same way.
 */
export class CallQueue {
  private readonly addon: InstanceType<ReturnType<typeof loadAddon>['NativeEngine']>;
  private readonly pending = new Map<number, Pending>();
  private readonly callbacks = new Map<string, ListenerCallback>();
  private readonly targets = new Map<string, Map<string, Map<string, number>>>();
  private readonly freeTargets: number[] = [];
  private targetCount = 0;
  private lastTarget = { name: '', scope: '', collection: '', target: -1 };
  private batch: unknown[] = [];
  private firstOfBatch = 1;
  private nextCall = 1;
  private inlineLeft = INLINE_CALLS;
  /** Whether the message that is being taken apart may tell of blobs. */
  private blobsInText = false;

  constructor() {
    const { NativeEngine } = loadAddon();
    this.addon = new NativeEngine((text, buffers) => {
      // The event loop had its turn.
      this.inlineLeft = INLINE_CALLS;
      if (text !== '') {
        this.receive(text, buffers);
      }
    });
  }

  /** Calls any function; `args` is JSON text. */
  function(name: string, args: string, hooks?: CallHooks): Promise<any> {
    const call = this.begin();
    this.batch.push(FUNCTION, call, name, args);
    return this.promise(call, hooks);
  }

  /** Calls one of the short document functions; `source` is the database of a document to read. */
  document(kind: DocumentCall, target: number, docId: string, source?: string): Promise<any> {
    const call = this.begin();
    this.batch.push(kind, call, target, docId);
    return this.promise(call, undefined, undefined, source);
  }

  /** Saves a document; `concurrency` is -1 for none. */
  save(
    target: number,
    docId: string,
    body: string,
    concurrency: number,
    blobs: readonly NewBlob[],
  ): Promise<any> {
    const call = this.begin();
    this.batch.push(SAVE, call, target, docId, body, concurrency, blobs.length);
    if (blobs.length === 0) {
      return this.promise(call, undefined, docId);
    }
    let large = false;
    for (const [key, contentType, source] of blobs) {
      if (typeof source === 'string' || source.byteLength > COPIED_BYTES) {
        large = large || typeof source !== 'string';
        this.batch.push(key, contentType, source);
      } else {
        this.batch.push(key, contentType, source.slice());
      }
    }
    const promise = this.promise(call, undefined, docId);
    if (large) {
      // The caller may change its bytes as soon as the call returns.
      this.flush();
    }
    return promise;
  }

  /** The number of a collection of a database. */
  target(name: string, scope: string, collection: string): number {
    const last = this.lastTarget;
    if (last.name === name && last.scope === scope && last.collection === collection) {
      return last.target;
    }
    const target = this.findTarget(name, scope, collection);
    this.lastTarget = { name, scope, collection, target };
    return target;
  }

  private findTarget(name: string, scope: string, collection: string): number {
    let scopes = this.targets.get(name);
    if (scopes === undefined) {
      scopes = new Map();
      this.targets.set(name, scopes);
    }
    let collections = scopes.get(scope);
    if (collections === undefined) {
      collections = new Map();
      scopes.set(scope, collections);
    }
    let target = collections.get(collection);
    if (target === undefined) {
      target = this.freeTargets.pop() ?? this.targetCount++;
      collections.set(collection, target);
      this.schedule();
      this.batch.push(TARGET, target, name, scope, collection);
    }
    return target;
  }

  /** Forgets the targets of a database that was closed. */
  forgetTargets(name: string): void {
    const scopes = this.targets.get(name);
    if (scopes !== undefined) {
      this.lastTarget = { name: '', scope: '', collection: '', target: -1 };
      this.targets.delete(name);
      scopes.forEach((collections) => {
        this.freeTargets.push(...collections.values());
      });
    }
  }

  /** Remembers whom to tell; false when the token is taken. */
  addCallback(token: string, callback: ListenerCallback): boolean {
    if (this.callbacks.has(token)) {
      return false;
    }
    this.callbacks.set(token, callback);
    return true;
  }

  removeCallback(token: string): void {
    this.callbacks.delete(token);
  }

  /** Blocks while the blob is read. */
  private readBlob(name: string, digest: string): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = this.addon.readBlob(name, digest);
    } catch (error) {
      throw exceptionFromParts(JSON.parse((error as Error).message));
    }
    return new Uint8Array(exactBuffer(bytes));
  }

  private begin(): number {
    this.schedule();
    return this.nextCall++;
  }

  private schedule(): void {
    if (this.nextCall - this.firstOfBatch >= GATHERED_CALLS) {
      this.flush();
    }
    if (this.batch.length === 0) {
      // Not queueMicrotask, which test runners replace by a fake.
      Promise.resolve().then(() => this.flush());
    }
  }

  private promise(call: number, hooks?: CallHooks, docId?: string, source?: string): Promise<any> {
    return new Promise((resolve, reject) => {
      const done = hooks?.done;
      const failed = hooks?.failed;
      this.pending.set(call, { resolve, reject, done, failed, docId, source });
    });
  }

  private flush(): void {
    const { batch, firstOfBatch } = this;
    if (batch.length === 0) {
      return;
    }
    this.batch = [];
    this.firstOfBatch = this.nextCall;
    let text: string | null;
    try {
      text = this.addon.submit(batch, this.inlineLeft);
    } catch (error) {
      this.refuse(firstOfBatch, error);
      return;
    }
    if (text !== null) {
      this.inlineLeft = Math.max(0, this.inlineLeft - (this.nextCall - firstOfBatch));
      this.receive(text, []);
    }
  }

  /** The addon took none of the calls of a batch. */
  private refuse(first: number, error: unknown): void {
    for (let call = first; call < this.firstOfBatch; call++) {
      const pending = this.pending.get(call);
      this.pending.delete(call);
      pending?.failed?.();
      pending?.reject(error);
    }
  }

  private receive(text: string, buffers: Uint8Array[]): void {
    const entries = JSON.parse(`[${text}]`);
    this.blobsInText = mayHoldBlobs(text);
    for (let at = 0; at < entries.length; at += 3) {
      const call = entries[at] as number;
      if (call === 0) {
        this.tell(entries[at + 1], entries[at + 2]);
      } else {
        this.settle(call, entries[at + 1], entries[at + 2], buffers);
      }
    }
  }

  private settle(call: number, kind: Kind, value: any, buffers: Uint8Array[]): void {
    const pending = this.pending.get(call);
    if (pending === undefined) {
      return;
    }
    this.pending.delete(call);
    if (kind === Kind.Failure) {
      pending.failed?.();
      pending.reject(exceptionFromParts(value));
      return;
    }
    pending.done?.();
    switch (kind) {
      case Kind.Nothing:
        pending.resolve(undefined);
        break;
      case Kind.Saved:
        pending.resolve(saved(value, pending.docId as string));
        break;
      case Kind.Bytes:
        pending.resolve({ data: exactBuffer(buffers[value.buffer]), length: value.length });
        break;
      case Kind.Text:
        pending.resolve({ data: longText(buffers[value]) });
        break;
      default:
        if (this.blobsInText && pending.source !== undefined) {
          const { source } = pending;
          addRawBlobs(value, (digest) => this.readBlob(source, digest));
        }
        pending.resolve(value);
    }
  }

  private tell(token: string, payload: any): void {
    const callback = this.callbacks.get(token);
    if (payload === null) {
      this.callbacks.delete(token);
    } else if (callback !== undefined) {
      try {
        callback(payload);
      } catch (error) {
        console.error('settee: a listener threw', error);
      }
    }
  }
}

/** `[revision id, sequence, flag, document id?]` as the classes know it. */
function saved(value: [string, number, number | null, string?], docId: string) {
  const flag = value[2] === null ? null : value[2] === 1;
  return {
    _id: value[3] === undefined ? docId : value[3],
    _revId: value[0],
    _sequence: value[1],
    concurrencyControlResult: flag,
    concurrencyResult: flag,
  };
}

/** The text that these bytes are in UTF-8. */
function longText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** The bytes as an ArrayBuffer that holds nothing else. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteOffset === 0 && byteLength === buffer.byteLength
    ? (buffer as ArrayBuffer)
    : (buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}
