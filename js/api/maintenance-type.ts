/** Kinds of `Database.performMaintenance`. */
export enum MaintenanceType {
  /** Gives unused space and unreferenced blobs back. */
  COMPACT = 0,
  REINDEX = 1,
  /** Rejects when damage is found. */
  INTEGRITY_CHECK = 2,
  OPTIMIZE = 3,
  FULL_OPTIMIZE = 4,
}
