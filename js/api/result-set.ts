/** One row of a query, by the row keys of api §7.2. */
export type Result = { [key: string]: any };

/** All rows of a query: a plain array of plain objects. */
export type ResultSet = Result[];
