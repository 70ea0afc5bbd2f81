import type { ReplicatorAskingArgs } from '../engine/arguments';
import type { ICoreEngine, SetteeEngine } from '../engine/core-engine';
import { answering } from '../engine/questions';
import type { ListenerCallback } from '../engine/results';
import type { Dictionary } from '../util/dictionary';
import type { Collection } from './collection';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import { Document } from './document';
import { type MutableDocument, pendingBlobArgs } from './mutable-document';
import type { ReplicatorConfiguration } from './replicator-configuration';
import { newToken } from './subscriptions';

/** A document that was changed here and on the other side since the two were last equal. */
export interface Conflict {
  readonly documentId: string;
  readonly collection: Collection;
  /** What is stored here; null when it was deleted here. */
  readonly localDocument: Document | null;
  /** What came; null when it was deleted there. */
  readonly remoteDocument: Document | null;
}

/**
 * Decides a conflict: one of the two documents, a third one with other content, or null to delete
 * the document. May return a promise; after 5 seconds, or when it throws, the conflict stays open,
 * the document is reported with an error, and the next start of the replicator asks again.
 */
export type ConflictResolver = (conflict: Conflict) => Document | null | Promise<Document | null>;

/** What the engine is given with a configuration that has resolvers. */
export interface AskingAboutConflicts {
  args: ReplicatorAskingArgs;
  callback: ListenerCallback;
}

interface Side {
  revisionId: string;
  sequence: number | null;
  document: Dictionary;
}

/**
 * The arguments of a replicator whose resolvers are to be asked; `undefined` when it has none.
 *
 * Throws when the engine cannot ask: it would decide by itself.
 */
export function askingAboutConflicts(
  engine: ICoreEngine,
  config: ReplicatorConfiguration,
): AskingAboutConflicts | undefined {
  const resolvers = new Map<string, [Collection, ConflictResolver]>();
  for (const collection of config.getCollections()) {
    const resolver = config.getCollectionConfig(collection)?.getConflictResolver?.();
    if (resolver !== undefined) {
      resolvers.set(path(collection.scope.name, collection.name), [collection, resolver]);
    }
  }
  if (resolvers.size === 0) {
    return undefined;
  }
  const settee = engine as SetteeEngine;
  if (typeof settee.callback_Answer !== 'function') {
    throw liteException(
      ErrorCode.Unsupported,
      'CollectionConfig.setConflictResolver is not supported by this engine',
    );
  }
  return {
    args: { config: config.toJson(), changeListenerToken: newToken(engine) },
    callback: answering(settee, (question) => {
      const [collection, resolver] = resolvers.get(
        path(question.scopeName, question.collectionName),
      ) as [Collection, ConflictResolver];
      return decide(collection, resolver, question);
    }),
  };
}

async function decide(
  collection: Collection,
  resolver: ConflictResolver,
  question: { documentId: string; local: Side | null; remote: Side | null },
): Promise<unknown> {
  const { documentId } = question;
  const side = (found: Side | null) =>
    found && new Document(documentId, found.sequence, found.revisionId, collection, found.document);
  const localDocument = side(question.local);
  const remoteDocument = side(question.remote);
  const [localText, remoteText] = [localDocument, remoteDocument].map(text);
  try {
    const conflict = { documentId, collection, localDocument, remoteDocument };
    const result = await resolver(conflict);
    if (result === null) {
      return 'deleted';
    }
    if (!(result instanceof Document)) {
      throw new TypeError('a conflict resolver must return a document or null');
    }
    // One that was changed in place is a third document.
    if (result === localDocument && text(result) === localText) {
      return 'local';
    }
    if (result === remoteDocument && text(result) === remoteText) {
      return 'remote';
    }
    return { document: merged(documentId, result) };
  } catch (error) {
    console.error(`settee: the conflict of document "${documentId}" stays open:`, error);
    throw error;
  }
}

function merged(documentId: string, result: Document): string {
  if (result.getId() !== documentId) {
    console.warn(
      `settee: a conflict of document "${documentId}" was resolved with one called "${result.getId()}"; its content is taken`,
    );
  }
  if (pendingBlobArgs(result as MutableDocument) !== '{}') {
    throw new TypeError('a conflict resolver cannot add new blobs: save them in a document first');
  }
  return result.toJsonString();
}

function text(document: Document | null): string | undefined {
  return document === null ? undefined : document.toJsonString();
}

function path(scope: string, collection: string): string {
  return `${scope}.${collection}`;
}
