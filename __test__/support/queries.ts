import { type Collection, type Database, MutableDocument, type ResultSet } from 'settee';

/** Saves documents `d0`, `d1` and so on. */
export async function saveMany(
  collection: Collection,
  count: number,
  content: (n: number) => object,
): Promise<void> {
  const save = (_: unknown, n: number) =>
    collection.save(new MutableDocument(`d${n}`, content(n) as never));
  await Promise.all(Array.from({ length: count }, save));
}

/** The rows of a query. */
export function rowsOf(database: Database, text: string): Promise<ResultSet> {
  return database.createQuery(text).execute();
}

/** How SQLite will find the rows of a query: the second part of what `explain` says. */
export async function planOf(database: Database, text: string): Promise<string> {
  return (await database.createQuery(text).explain()).split('\n\n')[1];
}
