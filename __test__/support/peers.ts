import { type Collection, Database, DatabaseConfiguration } from 'settee';

/** Opens a database in a folder and gives its default collection. */
export async function openDefault(
  name: string,
  folder: string,
): Promise<{ database: Database; collection: Collection }> {
  const database = new Database(name, new DatabaseConfiguration(folder));
  await database.open();
  return { database, collection: await database.defaultCollection() };
}
