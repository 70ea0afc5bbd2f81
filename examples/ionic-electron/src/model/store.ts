import { type Collection, Database, DatabaseConfiguration, FileSystem } from 'settee';
import { Changes, messageOf } from './changes';

/** The collections of the app, as they are named to the user. */
export const COLLECTIONS = [
  { name: 'recipes', title: 'Recipes' },
  { name: 'shopping', title: 'Shopping list' },
] as const;

export type CollectionName = (typeof COLLECTIONS)[number]['name'];

/** The database of this device. */
export class Store extends Changes {
  state: 'opening' | 'open' | 'failed' = 'opening';
  error = '';
  path = '';
  database!: Database;
  private readonly collections = new Map<string, Collection>();

  async open(): Promise<void> {
    this.state = 'opening';
    this.changed();
    try {
      const directory = await new FileSystem().getDefaultPath();
      const config = new DatabaseConfiguration();
      config.setDirectory(directory);
      this.database = new Database('recipes', config);
      await this.database.open();
      for (const { name } of COLLECTIONS) {
        this.collections.set(name, await this.database.createCollection(name));
      }
      this.path = await this.database.getPath();
      this.state = 'open';
    } catch (error) {
      this.error = messageOf(error);
      this.state = 'failed';
    }
    this.changed();
  }

  collection(name: CollectionName): Collection {
    return this.collections.get(name) as Collection;
  }

  /** What listeners and replicators take. */
  chosen(names: readonly CollectionName[]): Collection[] {
    return names.map((name) => this.collection(name));
  }
}
