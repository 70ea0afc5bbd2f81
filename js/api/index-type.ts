/** Kinds of index. */
export enum IndexType {
  Value = 0,
  FullText = 1,
  Geo = 2,
}
