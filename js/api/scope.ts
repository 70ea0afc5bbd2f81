import type { Collection } from './collection';
import type { Database } from './database';

/** A named group of collections of one database, whose engine it uses. Source: api §5.1. */
export class Scope {
  name: string;
  database: Database;

  constructor(name: string | undefined | null, database: Database) {
    this.name = name ?? '';
    this.database = database;
  }

  /** The collections of this scope; none when the scope is unknown. */
  async collections(): Promise<Collection[]> {
    return this.database.collections(this);
  }

  /** The collection of that name; rejects when there is none. */
  async collection(collectionName: string): Promise<Collection> {
    return this.database.collection(collectionName, this);
  }
}
