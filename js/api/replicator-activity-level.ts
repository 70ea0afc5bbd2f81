/** What a replicator is doing. */
export enum ReplicatorActivityLevel {
  STOPPED = 0,
  /** Waits for the network or for the next attempt. */
  OFFLINE = 1,
  CONNECTING = 2,
  /** Continuous and up to date. */
  IDLE = 3,
  BUSY = 4,
}
