/** A plain object with string keys: a document's data, a nested dictionary, a query row. */
export type Dictionary = { [key: string]: any };
