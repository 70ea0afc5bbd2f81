import type { ICoreEngine, SetteeEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import { hide } from '../util/hidden';
import type { Collection } from './collection';
import { collectionArgs } from './collection-args';
import { askingAboutConflicts } from './conflict-resolver';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import {
  type DocumentReplicationRepresentation,
  isDocumentReplicationRepresentation,
  type ReplicatorDocumentChangeListener,
} from './document-replication';
import type { ReplicatorChangeListener } from './replicator-change';
import type { ReplicatorConfiguration } from './replicator-configuration';
import { type ReplicatorStatus, statusFromPayload, statusReply } from './replicator-status';
import { newToken, Subscriptions, unsubscribe } from './subscriptions';
import { certificatesFrom, type TLSCertificate } from './tls-certificate';

/**
 * Keeps collections equal with those of another peer. Source: api §9.4.
 *
 * @example
 * const replicator = await Replicator.create(config);
 * await replicator.addChangeListener(({ status }) => console.log(String(status)));
 * await replicator.start(false);
 */
export class Replicator {
  private replicatorId: string | null;
  private readonly config: ReplicatorConfiguration;
  declare private readonly _engine: ICoreEngine;
  declare private readonly _listeners: Subscriptions;

  private constructor(engine: ICoreEngine, replicatorId: string, config: ReplicatorConfiguration) {
    this.replicatorId = replicatorId;
    this.config = config;
    hide(this, '_engine', engine);
    hide(this, '_listeners', new Subscriptions());
  }

  /** Makes a replicator from a copy of the configuration. It is not started. */
  static async create(config: ReplicatorConfiguration): Promise<Replicator> {
    if (config.getCollections().length === 0) {
      throw liteException(
        ErrorCode.InvalidParameter,
        'No collections specified in the configuration',
      );
    }
    const engine = currentEngine();
    const kept = config.clone();
    const asking = askingAboutConflicts(engine, config);
    const { replicatorId } =
      asking === undefined
        ? await engine.replicator_Create({ config: config.toJson() })
        : await engine.replicator_Create(asking.args, asking.callback);
    return new Replicator(engine, replicatorId, kept);
  }

  /** Starts; with `reset` everything is looked at again. Resolves before it is connected. */
  start(reset?: boolean): Promise<void> {
    const args = this.args();
    return reset
      ? this._engine.replicator_ResetCheckpoint(args)
      : this._engine.replicator_Start(args);
  }

  /** Asks to stop; the STOPPED status follows. */
  stop(): Promise<void> {
    return this._engine.replicator_Stop(this.args());
  }

  /**
   * Settee's own: suspended, it closes its connection and is OFFLINE until it is resumed, which
   * connects at once. For an application that knows that its machine is about to sleep.
   *
   * @example
   * powerMonitor.on('suspend', () => replicator.setSuspended(true));
   * powerMonitor.on('resume', () => replicator.setSuspended(false));
   */
  async setSuspended(suspended: boolean): Promise<void> {
    const settee = this._engine as SetteeEngine;
    if (typeof settee.replicator_SetSuspended !== 'function') {
      throw liteException(ErrorCode.Unsupported, 'setSuspended is not supported by this engine');
    }
    await settee.replicator_SetSuspended({ ...this.args(), suspended });
  }

  /** Tells of status changes; one listener an object. Resolves with its token. */
  addChangeListener(listener: ReplicatorChangeListener): Promise<string> {
    const changeListenerToken = newToken(this._engine);
    return this._listeners.add(
      changeListenerToken,
      { name: 'status', refusal: 'Listener already started' },
      (callback) =>
        this._engine.replicator_AddChangeListener(
          { ...this.args(), changeListenerToken },
          callback,
        ),
      (data) => listener({ status: statusFromPayload(data as any) }),
    );
  }

  /** Tells of documents as they are replicated; any number of listeners. */
  addDocumentChangeListener(listener: ReplicatorDocumentChangeListener): Promise<string> {
    const changeListenerToken = `${newToken(this._engine)}_doc`;
    return this._listeners.add(
      changeListenerToken,
      undefined,
      (callback) =>
        this._engine.replicator_AddDocumentChangeListener(
          { ...this.args(), changeListenerToken },
          callback,
        ),
      (data) => listener(documentEvent(data)),
    );
  }

  /** Removes a listener of either kind. */
  removeChangeListener(token: string): Promise<void> {
    return unsubscribe(token, (changeListenerToken) =>
      this._engine.replicator_RemoveChangeListener({ ...this.args(), changeListenerToken }),
    );
  }

  /** The status now: plain fields, and the methods of a `ReplicatorStatus`. */
  async getStatus(): Promise<ReplicatorStatus> {
    return statusReply(await this._engine.replicator_GetStatus(this.args()));
  }

  /**
   * The certificates that the server presented at the last connection, leaf first, also when they
   * were refused: an application may show them, and pin one. Empty before the first connection and
   * without TLS.
   */
  get serverCertificates(): Promise<TLSCertificate[]> {
    return this.getServerCertificates();
  }

  async getServerCertificates(): Promise<TLSCertificate[]> {
    const engine = this._engine as SetteeEngine;
    if (typeof engine.replicator_GetServerCertificates !== 'function') {
      throw liteException(ErrorCode.Unsupported, 'this is not supported by this engine');
    }
    const { certificates } = await engine.replicator_GetServerCertificates(this.args());
    return certificatesFrom(certificates);
  }

  /** Ids of documents of the collection that are not pushed yet. */
  async getPendingDocumentIds(collection: Collection): Promise<{ pendingDocumentIds: string[] }> {
    return this._engine.replicator_GetPendingDocumentIds(this.collectionArgs(collection));
  }

  async isDocumentPending(
    documentId: string,
    collection: Collection,
  ): Promise<{ isPending: boolean }> {
    return this._engine.replicator_IsDocumentPending({
      ...this.collectionArgs(collection),
      documentId,
    });
  }

  /** The replicator's own copy of its configuration, the same object each time. */
  getConfiguration(): ReplicatorConfiguration {
    return this.config;
  }

  /** Null after `cleanup`. */
  getId(): string {
    return this.replicatorId as string;
  }

  /** Stops, removes the listeners and forgets the replicator. */
  async cleanup(): Promise<void> {
    await this._engine.replicator_Cleanup(this.args());
    this.replicatorId = null;
  }

  private args(): { replicatorId: string } {
    return { replicatorId: this.replicatorId as string };
  }

  private collectionArgs(collection: Collection) {
    if (!this.config.getCollectionConfig(collection)) {
      throw liteException(ErrorCode.InvalidParameter, 'Collection not part of the replication');
    }
    return { ...this.args(), ...collectionArgs(collection) };
  }
}

/** The event as listeners get it: the known fields and no other. */
function documentEvent(data: unknown): DocumentReplicationRepresentation {
  if (!isDocumentReplicationRepresentation(data)) {
    throw new Error('Invalid document replication change notification');
  }
  return {
    isPush: data.isPush,
    documents: data.documents.map(({ scopeName, collectionName, id, flags, error }) => ({
      scopeName,
      collectionName,
      id,
      flags,
      error,
    })),
  };
}
