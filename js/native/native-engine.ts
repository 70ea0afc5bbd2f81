import type { ResultSet } from '../api/result-set';
import type { QueryExecuteArgs } from '../engine/arguments';
import type { SetteeEngine } from '../engine/core-engine';
import { type DirectSaveArgs, offerDirect } from '../engine/direct';
import {
  ENGINE_FUNCTION_NAMES,
  ENGINE_FUNCTIONS,
  type EngineFunctionName,
} from '../engine/engine-functions';
import type { ListenerCallback } from '../engine/results';
import { uuid } from '../util/uuid';
import { checkArguments, invalid, requiredText, wellFormed } from './argument-checks';
import { blobList } from './blob-list';
import { CallQueue, DocumentCall } from './call-queue';

type Fields = Record<string, any>;

const DEFAULT = '_default';

/**
 * The engine in the addon, as an `ICoreEngine`.
 *
 * Document calls go over in a compact form, everything else by name with JSON arguments; arguments
 * are taken when the call is made. All instances, also those of other copies of the package, share
 * one state. Source: api §2, §13, §14.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the functions are added from the list below
class NativeEngine {
  debugConsole = false;
  platform = process.versions.electron === undefined ? 'node' : 'electron';
  private readonly calls = new CallQueue();

  getUUID(): string {
    return uuid();
  }

  collection_Save(args: Fields): Promise<any> {
    this.trace('collection_Save', args);
    const fields = args ?? {};
    try {
      return this.calls.save(
        this.target(fields),
        optionalId(fields.id),
        bodyText(fields.document),
        concurrency(fields.concurrencyControl),
        blobList(fields.blobs),
      );
    } catch (error) {
      return Promise.reject(asException(error));
    }
  }

  /** `collection_Save` for our own classes; see `DirectSave`. */
  saveDirectly(args: DirectSaveArgs): Promise<void> {
    const { names } = args;
    this.trace('collection_Save', names);
    try {
      return this.calls.save(
        this.target(names),
        optionalId(args.id),
        wellFormed('document', args.body),
        concurrency(args.concurrencyControl),
        blobList(args.blobs),
        args,
      );
    } catch (error) {
      return Promise.reject(asException(error));
    }
  }

  collection_GetDocument(args: Fields): Promise<any> {
    return this.short('collection_GetDocument', DocumentCall.Get, args);
  }

  collection_DeleteDocument(args: Fields): Promise<any> {
    return this.short('collection_DeleteDocument', DocumentCall.Delete, args);
  }

  collection_PurgeDocument(args: Fields): Promise<any> {
    return this.short('collection_PurgeDocument', DocumentCall.Purge, args);
  }

  query_Execute(args: Fields): Promise<any> {
    return this.query(args, false);
  }

  /** `query_Execute` for our own classes; see `DirectQuery`. */
  queryDirectly(args: QueryExecuteArgs): Promise<ResultSet> {
    return this.query(args, true);
  }

  private query(args: Fields, asRows: boolean): Promise<any> {
    this.trace('query_Execute', args);
    try {
      checkArguments('query_Execute', args);
      const { name, query, parameters } = args;
      return this.calls.query(name, wellFormed('query', query), flat(parameters), asRows);
    } catch (error) {
      return Promise.reject(asException(error));
    }
  }

  collection_SetDocumentExpiration(args: Fields): Promise<any> {
    const { expiration } = args ?? {};
    const name = 'collection_SetDocumentExpiration';
    if (expiration === undefined || expiration === null) {
      return this.call(name, args);
    }
    return this.call(name, args, undefined, {
      ...args,
      expiration: new Date(expiration).getTime(),
    });
  }

  async collection_GetDocumentExpiration(args: Fields): Promise<any> {
    const result = await this.call('collection_GetDocumentExpiration', args);
    return result === undefined ? undefined : { date: new Date(result.date) };
  }

  /** Any function that has no compact form; `sent` is what goes over in place of `args`. */
  call(
    name: EngineFunctionName,
    args: Fields,
    callback?: ListenerCallback,
    sent: Fields = args,
  ): Promise<any> {
    this.trace(name, args);
    const { calls } = this;
    try {
      checkArguments(name, args);
      const text = JSON.stringify(sent ?? {});
      const token = args?.changeListenerToken;
      const takes = ENGINE_FUNCTIONS[name].callback;
      const given = callback !== undefined || (token !== undefined && token !== null);
      if (takes === true || (takes === 'optional' && given)) {
        return this.listen(name, text, token, callback);
      }
      if (/Remove|^listenerToken/.test(name)) {
        return calls.function(name, text, { done: () => calls.removeCallback(token) });
      }
      if (name === 'database_Close' || name === 'database_Delete') {
        const { name: database } = args;
        return calls.function(name, text, { done: () => calls.forgetTargets(database) });
      }
      return calls.function(name, text);
    } catch (error) {
      return Promise.reject(asException(error));
    }
  }

  private listen(
    name: string,
    args: string,
    token: unknown,
    callback: ListenerCallback | undefined,
  ): Promise<any> {
    const { calls } = this;
    if (typeof callback !== 'function') {
      throw invalid('the callback must be a function');
    }
    const key = requiredText('changeListenerToken', token);
    if (!calls.addCallback(key, callback)) {
      throw invalid(`listener token "${key.slice(0, 80)}" is in use already`);
    }
    return calls.function(name, args, { failed: () => calls.removeCallback(key) });
  }

  private short(name: string, kind: DocumentCall, args: Fields): Promise<any> {
    this.trace(name, args);
    const fields = args ?? {};
    try {
      const source = kind === DocumentCall.Get ? fields.name : '';
      return this.calls.document(kind, this.target(fields), documentId(fields, kind), source);
    } catch (error) {
      return Promise.reject(asException(error));
    }
  }

  private target(fields: Fields): number {
    return this.calls.target(
      requiredText('name', fields.name),
      requiredText('scopeName', fields.scopeName),
      requiredText('collectionName', fields.collectionName),
    );
  }

  private trace(name: string, args: Fields): void {
    if (this.debugConsole) {
      // Names only: arguments may hold keys and passwords.
      console.debug('settee:', name, args?.name ?? args?.replicatorId ?? args?.listenerId ?? '');
    }
  }
}

interface NativeEngine extends SetteeEngine {}

/** The deprecated functions on the default collection and what they forward to (api §13.2). */
const FORWARDED: { [name: string]: EngineFunctionName } = {
  database_CreateIndex: 'collection_CreateIndex',
  database_DeleteIndex: 'collection_DeleteIndex',
  database_GetIndexes: 'collection_GetIndexes',
  database_GetCount: 'collection_GetCount',
  database_DeleteDocument: 'collection_DeleteDocument',
  database_PurgeDocument: 'collection_PurgeDocument',
  database_GetDocument: 'collection_GetDocument',
  database_Save: 'collection_Save',
  document_GetBlobContent: 'collection_GetBlobContent',
};

for (const name of ENGINE_FUNCTION_NAMES) {
  const forwarded = FORWARDED[name];
  if (forwarded !== undefined) {
    define(NativeEngine.prototype, name, function (this: NativeEngine, args: Fields) {
      const call = this[forwarded] as (args: Fields) => Promise<any>;
      return call.call(this, { ...args, scopeName: DEFAULT, collectionName: DEFAULT });
    });
  } else if (!(name in NativeEngine.prototype)) {
    define(
      NativeEngine.prototype,
      name,
      function (this: NativeEngine, args: Fields, callback?: ListenerCallback) {
        return this.call(name, args, callback);
      },
    );
  }
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    writable: true,
    configurable: true,
  });
}

let instance: NativeEngine | undefined;

/** The engine of this copy of the package; loads the addon with the first call. */
export function nativeEngine(): SetteeEngine {
  if (instance === undefined) {
    const made = new NativeEngine();
    // Bound to this instance, so they are offered by functions of their own.
    const { collection_Save: save, query_Execute: query } = NativeEngine.prototype;
    define(made, 'collection_Save', (args: Fields) => save.call(made, args));
    define(made, 'query_Execute', (args: Fields) => query.call(made, args));
    offerDirect(made, 'collection_Save', (args) => made.saveDirectly(args));
    offerDirect(made, 'query_Execute', (args) => made.queryDirectly(args));
    instance = made;
  }
  return instance;
}

/** Parameters as JSON text: name, type and value of each, one after the other. */
function flat(parameters: Fields | string | null | undefined): string {
  if (typeof parameters === 'string' || parameters === undefined || parameters === null) {
    return parameters ?? '';
  }
  const entries: Fields = parameters._parameters ?? parameters;
  if (typeof entries !== 'object' || Array.isArray(entries)) {
    throw invalid('argument "parameters" must be an object');
  }
  const parts: unknown[] = [];
  for (const name of Object.keys(entries)) {
    const entry = entries[name];
    // Removed ones are null.
    if (typeof entry === 'object' && entry !== null) {
      parts.push(name, entry.type, entry.value);
    }
  }
  return parts.length === 0 ? '' : JSON.stringify(parts);
}

function documentId(fields: Fields, kind: DocumentCall): string {
  if (kind === DocumentCall.Delete) {
    concurrency(fields.concurrencyControl);
  }
  return wellFormed('docId', requiredText('docId', fields.docId));
}

function optionalId(id: unknown): string {
  if (id === undefined || id === null) {
    return '';
  }
  if (typeof id !== 'string') {
    throw invalid('argument "id" must be a string');
  }
  return wellFormed('id', id);
}

function bodyText(document: unknown): string {
  if (typeof document === 'string') {
    return wellFormed('document', document);
  }
  if (typeof document === 'object' && document !== null) {
    return JSON.stringify(document);
  }
  throw invalid('argument "document" must be JSON text of an object');
}

function concurrency(value: unknown): number {
  if (value === undefined || value === null) {
    return -1;
  }
  if (value !== 0 && value !== 1) {
    throw invalid(`argument "concurrencyControl" is ${String(value)}, must be 0, 1 or null`);
  }
  return value;
}

function asException(error: unknown): unknown {
  const { domain, message } = error as { domain?: string; message: string };
  return domain === undefined ? invalid(`the arguments cannot be taken: ${message}`) : error;
}
