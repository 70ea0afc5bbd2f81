/** Directions of a replication. */
export enum ReplicatorType {
  PUSH_AND_PULL = 'PUSH_AND_PULL',
  PUSH = 'PUSH',
  PULL = 'PULL',
}
