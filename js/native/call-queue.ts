// Not the global one, which test runners replace by a fake.
import { setImmediate } from 'timers';
import { exceptionFromParts } from '../api/couchbase-lite-exception';
import type { DirectSaveArgs, SavedHandler } from '../engine/direct';
import { addNullErrors } from '../engine/document-events';
import type { ListenerCallback } from '../engine/results';
import type { NewBlob } from './blob-list';
import { loadAddon } from './loader';
import { PendingCalls } from './pending-calls';
import { addRawBlobs, mayHoldBlobs } from './raw-blobs';
import { SaveRun } from './save-run';

/** Kinds of calls as the addon numbers them. */
const FUNCTION = 0;
const SAVE = 1;
const TARGET = 5;
const SAVES = 6;
const QUERY = 7;

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
  SavedRun = 5,
  Text = 6,
  Rows = 7,
}

/**
 * How many calls may run on this thread before the event loop gets a turn. Sockets and timers
 * would starve if a chain of awaited calls never left it (design D4).
 */
const INLINE_CALLS = 160;

/**
 * Calls that are gathered at most: a loop that issues thousands hands them over in such portions, so
 * that the engine works while the loop runs.
 */
const GATHERED_CALLS = 256;

/** Bytes larger than this are handed over at once instead of being copied until the tick ends. */
const COPIED_BYTES = 64 * 1024;

/** A promise that waits, and what its end needs. */
interface Pending {
  readonly call: number;
  resolve(value: any): void;
  reject(reason: unknown): void;
  readonly hooks: CallHooks | undefined;
  /** The id of a document that is saved, or the database that a document is read from. */
  readonly text: string;
  /** Of a direct save: what to tell, with the document and the collection that it is about. */
  readonly saved: SavedHandler | undefined;
  readonly document: object | undefined;
  readonly collection: object | null;
}

/** What travels beside the text of a message: bytes, or a text in pieces. */
type Beside = Uint8Array | string[];

/** What to do around the end of a call. */
export interface CallHooks {
  /** Runs before the promise resolves. */
  done?: () => void;
  /** Runs before the promise rejects. */
  failed?: () => void;
}

type Resolve = Pending['resolve'];
type Reject = Pending['reject'];

let newResolve: Resolve;
let newReject: Reject;

const RESOLVED = Promise.resolve();

/** One function for all promises: a closure for each would have to survive as long as its promise. */
const capture = (resolve: Resolve, reject: Reject): void => {
  newResolve = resolve;
  newReject = reject;
};

/**
 * Gathers the calls of one tick, hands them to the addon in one native call, in order, and settles
 * their promises when completions come back. Events to listeners come the same way.
 */
export class CallQueue {
  private readonly addon: InstanceType<ReturnType<typeof loadAddon>['NativeEngine']>;
  private readonly pending = new PendingCalls<Pending>();
  private readonly run = new SaveRun();
  private readonly callbacks = new Map<string, ListenerCallback>();
  private readonly targets = new Map<string, Map<string, Map<string, number>>>();
  private readonly freeTargets: number[] = [];
  private targetCount = 0;
  private lastTarget = { name: '', scope: '', collection: '', target: -1 };
  private batch: unknown[] = [];
  /** Calls of the batch, in order. */
  private gathered: number[] = [];
  private scheduled = false;
  private inlineLeft = INLINE_CALLS;
  /** Whether the message that is being taken apart may tell of blobs. */
  private blobsInText = false;

  constructor() {
    const { NativeEngine } = loadAddon();
    this.addon = new NativeEngine((text, beside) => {
      // Sockets and timers have had their turn.
      this.inlineLeft = INLINE_CALLS;
      if (text !== '') {
        this.receive(text, beside);
      }
    });
  }

  /** Calls any function; `args` is JSON text. */
  function(name: string, args: string, hooks?: CallHooks): Promise<any> {
    const call = this.begin();
    this.batch.push(FUNCTION, call, name, args);
    return this.promise(call, hooks, '', undefined);
  }

  /** Calls one of the short document functions; `source` is the database of a document to read. */
  document(kind: DocumentCall, target: number, docId: string, source: string): Promise<any> {
    const call = this.begin();
    this.batch.push(kind, call, target, docId);
    return this.promise(call, undefined, source, undefined);
  }

  /** Runs a query; `parameters` is JSON text. Resolves with the rows, or with `{data}`, their text. */
  query(name: string, query: string, parameters: string, asRows: boolean): Promise<any> {
    const call = this.begin();
    this.batch.push(QUERY, call, name, query, parameters, asRows ? 1 : 0);
    return this.promise(call, undefined, '', undefined);
  }

  /** Saves a document; `concurrency` is -1 for none. */
  save(
    target: number,
    docId: string,
    body: string,
    concurrency: number,
    blobs: readonly NewBlob[],
    direct?: DirectSaveArgs,
  ): Promise<any> {
    if (blobs.length === 0 && this.run.mayTake(docId, body)) {
      return this.savePlain(target, docId, body, concurrency, direct);
    }
    const call = this.begin();
    this.batch.push(SAVE, call, target, docId, body, concurrency, blobs.length);
    let large = false;
    for (const [key, contentType, source] of blobs) {
      if (typeof source === 'string' || source.byteLength > COPIED_BYTES) {
        large = large || typeof source !== 'string';
        this.batch.push(key, contentType, source);
      } else {
        this.batch.push(key, contentType, source.slice());
      }
    }
    const promise = this.promise(call, undefined, docId, direct);
    if (large) {
      // The caller may change its bytes as soon as the call returns.
      this.flush();
    }
    return promise;
  }

  /** A save that joins the run of saves before it. */
  private savePlain(
    target: number,
    docId: string,
    body: string,
    concurrency: number,
    direct: DirectSaveArgs | undefined,
  ): Promise<any> {
    const { run } = this;
    this.schedule();
    while (!run.hasRoomFor(docId, body)) {
      this.flush();
    }
    const call = this.pending.nextCall();
    if (!run.continuesWith(call)) {
      this.closeRun();
    }
    run.add(call, target, docId, body, concurrency);
    this.gathered.push(call);
    return this.promise(call, undefined, docId, direct);
  }

  /** Puts the run of saves into the batch, before the call of another kind that follows. */
  private closeRun(): void {
    const { run } = this;
    if (run.count > 0) {
      this.batch.push(SAVES, run.first, run.count, run.head, run.text);
      run.close();
    }
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
      this.closeRun();
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
    this.closeRun();
    const call = this.pending.nextCall();
    this.gathered.push(call);
    return call;
  }

  /** Hands over what was called in this tick, after a turn of the event loop if it has to wait for one. */
  private readonly endTick = (): void => {
    if (this.inlineLeft < Math.min(this.gathered.length, INLINE_CALLS)) {
      setImmediate(this.endTurn);
      return;
    }
    this.scheduled = false;
    this.flush();
  };

  /** Sockets and timers have had their turn. */
  private readonly endTurn = (): void => {
    this.inlineLeft = INLINE_CALLS;
    this.endTick();
  };

  private schedule(): void {
    if (this.gathered.length >= GATHERED_CALLS) {
      this.flush();
    }
    if (!this.scheduled) {
      this.scheduled = true;
      // Not queueMicrotask, which test runners replace by a fake.
      RESOLVED.then(this.endTick);
    }
  }

  private promise(
    call: number,
    hooks: CallHooks | undefined,
    text: string,
    direct: DirectSaveArgs | undefined,
  ): Promise<any> {
    const promise = new Promise(capture);
    const resolve = newResolve;
    const reject = newReject;
    this.pending.add({
      call,
      resolve,
      reject,
      hooks,
      text,
      saved: direct?.saved,
      document: direct?.document,
      collection: direct === undefined ? null : direct.collection,
    });
    return promise;
  }

  private flush(): void {
    this.closeRun();
    const { batch, gathered, run } = this;
    if (batch.length === 0) {
      return;
    }
    this.batch = [];
    this.gathered = [];
    let text: string | null;
    try {
      text = run.isEmpty
        ? this.addon.submit(batch, this.inlineLeft)
        : this.addon.submit(batch, this.inlineLeft, run.heads, run.texts);
    } catch (error) {
      this.refuse(gathered, error);
      return;
    } finally {
      run.clear();
    }
    if (text !== null) {
      this.inlineLeft = Math.max(0, this.inlineLeft - gathered.length);
      this.receive(text, []);
    }
  }

  /** The addon took none of the calls of a batch. */
  private refuse(calls: readonly number[], error: unknown): void {
    for (const call of calls) {
      const pending = this.pending.take(call);
      pending?.hooks?.failed?.();
      pending?.reject(error);
    }
  }

  private receive(text: string, beside: Beside[]): void {
    const entries = JSON.parse(text);
    this.blobsInText = mayHoldBlobs(text);
    for (let at = 0; at < entries.length; at += 3) {
      const call = entries[at] as number;
      const kind = entries[at + 1];
      if (call === 0) {
        this.tell(kind, entries[at + 2]);
      } else if (kind === Kind.SavedRun) {
        this.settleRun(call, entries[at + 2]);
      } else {
        this.settle(call, kind, entries[at + 2], beside);
      }
    }
  }

  private settle(call: number, kind: Kind, value: any, beside: Beside[]): void {
    const pending = this.pending.take(call);
    if (pending === undefined) {
      return;
    }
    if (kind === Kind.Failure) {
      pending.hooks?.failed?.();
      pending.reject(exceptionFromParts(value));
      return;
    }
    pending.hooks?.done?.();
    switch (kind) {
      case Kind.Nothing:
        pending.resolve(undefined);
        break;
      case Kind.Saved:
        settleSave(pending, value[0], value[1], value[2], value[3]);
        break;
      case Kind.Bytes:
        pending.resolve({
          data: exactBuffer(beside[value.buffer] as Uint8Array),
          length: value.length,
        });
        break;
      case Kind.Text:
        pending.resolve({ data: joined(beside[value] as string[]) });
        break;
      case Kind.Rows:
        pending.resolve(JSON.parse(joined(beside[value] as string[])));
        break;
      default:
        if (this.blobsInText && pending.text !== '') {
          const { text } = pending;
          addRawBlobs(value, (digest) => this.readBlob(text, digest));
        }
        pending.resolve(value);
    }
  }

  /** Saves of calls that follow each other: revision id and sequence of each. */
  private settleRun(first: number, values: (string | number)[]): void {
    for (let at = 0, call = first; at < values.length; at += 2, call++) {
      const pending = this.pending.take(call);
      if (pending !== undefined) {
        settleSave(pending, values[at] as string, values[at + 1] as number, null, undefined);
      }
    }
  }

  private tell(token: string, payload: any): void {
    const callback = this.callbacks.get(token);
    if (payload === null) {
      this.callbacks.delete(token);
    } else if (callback !== undefined) {
      try {
        addNullErrors(payload);
        callback(payload);
      } catch (error) {
        console.error('settee: a listener threw', error);
      }
    }
  }
}

/** Resolves a save; `flag` is that of concurrency control, `madeId` an id that the engine made. */
function settleSave(
  pending: Pending,
  revId: string,
  sequence: number,
  flag: number | null,
  madeId: string | undefined,
): void {
  const id = madeId === undefined ? pending.text : madeId;
  const { saved } = pending;
  if (saved === undefined) {
    const passed = flag === null ? null : flag === 1;
    pending.resolve({
      _id: id,
      _revId: revId,
      _sequence: sequence,
      concurrencyControlResult: passed,
      concurrencyResult: passed,
    });
    return;
  }
  try {
    saved(pending.document, pending.collection, id, revId, sequence);
  } catch (error) {
    pending.reject(error);
    return;
  }
  pending.resolve(undefined);
}

/** The text of these pieces, the last of which comes first. */
function joined(pieces: string[]): string {
  let text = '';
  for (const piece of pieces) {
    text = piece + text;
  }
  return text;
}

/** The bytes as an ArrayBuffer that holds nothing else. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteOffset === 0 && byteLength === buffer.byteLength
    ? (buffer as ArrayBuffer)
    : (buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}
