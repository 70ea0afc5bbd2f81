/** What else is known of a replicated document. */
export enum ReplicatedDocumentFlag {
  DELETED = 'DELETED',
  ACCESS_REMOVED = 'ACCESS_REMOVED',
}
