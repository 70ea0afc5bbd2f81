/** Parts of the engine that log separately. */
export enum LogDomain {
  ALL = 'ALL',
  DATABASE = 'DATABASE',
  NETWORK = 'NETWORK',
  QUERY = 'QUERY',
  REPLICATOR = 'REPLICATOR',
}
