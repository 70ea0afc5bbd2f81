import {
  isReplicatedDocumentRepresentation,
  type ReplicatedDocument,
  type ReplicatedDocumentRepresentation,
} from './replicated-document';

/** Documents that were sent or received together. */
export class DocumentReplication {
  constructor(
    private readonly isPush: boolean,
    private readonly documents: ReplicatedDocument[],
  ) {}

  getIsPush(): boolean {
    return this.isPush;
  }

  getDocuments(): ReplicatedDocument[] {
    return this.documents;
  }
}

/** A document event, as plain data. */
export interface DocumentReplicationRepresentation {
  isPush: boolean;
  documents: ReplicatedDocumentRepresentation[];
}

/** Told about documents as they are replicated. */
export type ReplicatorDocumentChangeListener = (change: DocumentReplicationRepresentation) => void;

/** Whether the object is a document event. Warns and never throws. */
export function isDocumentReplicationRepresentation(
  obj: any,
): obj is DocumentReplicationRepresentation {
  if (!Array.isArray(obj?.documents) || obj.isPush === undefined) {
    console.warn('settee: not a document event: isPush or documents are missing:', obj);
    return false;
  }
  return obj.documents.every((document: any) => isReplicatedDocumentRepresentation(document));
}
