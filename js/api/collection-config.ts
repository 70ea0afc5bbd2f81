import type { ConflictResolver } from './conflict-resolver';
import type { ReplicatedDocumentFlag } from './replicated-document-flag';

/**
 * Decides whether a document is replicated.
 *
 * Only the text of the function reaches the engine: it sees no outer variables. Declared with `any`
 * because filters index the document by property.
 */
export type ReplicationFilter = (document: any, flags: ReplicatedDocumentFlag[]) => boolean;

/** What a replicator does with a group of collections. Source: api §9.3. */
export class CollectionConfig {
  private channels: string[];
  private documentIds: string[];
  private pushFilter?: string;
  private pullFilter?: string;
  private conflictResolver?: ConflictResolver;

  constructor(channels?: string[] | null, documentIds?: string[] | null) {
    this.channels = channels ?? [];
    this.documentIds = documentIds ?? [];
  }

  /** Channels to pull from; none means all. */
  setChannels(channels: string[]): void {
    this.channels = channels;
  }

  /** Documents to push and pull; none means all. */
  setDocumentIDs(documentIds: string[]): void {
    this.documentIds = documentIds;
  }

  getChannels(): string[] {
    return this.channels;
  }

  getDocumentIDs(): string[] {
    return this.documentIds;
  }

  /** Stores the function's text. */
  setPushFilter(filter: ReplicationFilter): void {
    this.pushFilter = filter.toString();
  }

  /** Stores the function's text. */
  setPullFilter(filter: ReplicationFilter): void {
    this.pullFilter = filter.toString();
  }

  /**
   * Settee's own: decides conflicts in place of the default rule (a deletion wins, else the longer
   * history). Null takes it away.
   *
   * @example
   * config.setConflictResolver(({ localDocument, remoteDocument }) =>
   *   localDocument && remoteDocument
   *     ? new MutableDocument(localDocument.getId(), {
   *         ...remoteDocument.getData(),
   *         ...localDocument.getData(),
   *       })
   *     : (localDocument ?? remoteDocument),
   * );
   */
  setConflictResolver(resolver: ConflictResolver | null | undefined): void {
    if (resolver !== null && resolver !== undefined && typeof resolver !== 'function') {
      throw new TypeError('a conflict resolver must be a function');
    }
    this.conflictResolver = resolver ?? undefined;
  }

  getConflictResolver(): ConflictResolver | undefined {
    return this.conflictResolver;
  }

  /** Text of the push filter. */
  getPushFilter(): string {
    return this.pushFilter as string;
  }

  /** Text of the pull filter. */
  getPullFilter(): string {
    return this.pullFilter as string;
  }
}
