import { type Collection, Database, DatabaseConfiguration } from 'settee';

/** Opens a database in a folder and gives its default collection. With a key it is encrypted. */
export async function openDefault(
  name: string,
  folder: string,
  key?: string,
): Promise<{ database: Database; collection: Collection }> {
  const database = new Database(name, new DatabaseConfiguration(folder, key));
  await database.open();
  return { database, collection: await database.defaultCollection() };
}
