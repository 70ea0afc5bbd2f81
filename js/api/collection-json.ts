/** A collection by names, with the database handle it was opened through. */
export interface CollectionJson {
  name: string;
  scopeName: string;
  databaseName: string;
}
