import type { QueryExecuteArgs } from '../engine/arguments';
import type { ICoreEngine } from '../engine/core-engine';
import { direct } from '../engine/direct';
import { currentEngine } from '../engine/engine-locator';
import { hide } from '../util/hidden';
import type { Database } from './database';
import { Parameters } from './parameters';
import type { ResultSet } from './result-set';
import { newToken, Subscriptions, unsubscribe } from './subscriptions';

/** Those that have any: most queries are executed and forgotten. */
const listeners = new WeakMap<Query, Subscriptions>();

function listenersOf(query: Query): Subscriptions {
  let found = listeners.get(query);
  if (found === undefined) {
    found = new Subscriptions();
    listeners.set(query, found);
  }
  return found;
}

/** New results of a live query, or the error that kept it from running. */
export interface QueryChange {
  query: Query;
  error: string;
  results: ResultSet;
}

export type QueryChangeListener = (change: QueryChange) => void;

/**
 * A SQL++ query with its parameters. Source: api §7.1.
 *
 * @example
 * const query = database.createQuery('SELECT name FROM travel.hotels WHERE stars >= $stars');
 * query.parameters.setInt('stars', 4);
 * const rows = await query.execute();
 */
export class Query {
  parameters: Parameters;
  private readonly queryString: string;
  private database: Database;
  declare private readonly _engine: ICoreEngine;

  constructor(queryString: string, database: Database) {
    this.queryString = queryString;
    this.database = database;
    this.parameters = new Parameters();
    hide(this, '_engine', currentEngine());
  }

  /** The rows. */
  execute(): Promise<ResultSet> {
    // Not async: a promise around the engine's would cost as much as finding a row.
    try {
      const args = this.args();
      return direct(this._engine, 'query_Execute')?.(args) ?? this.executeIndirectly(args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private async executeIndirectly(args: QueryExecuteArgs): Promise<ResultSet> {
    return JSON.parse((await this._engine.query_Execute(args)).data);
  }

  /** The SQL, the query plan and the JSON form, as text. */
  async explain(): Promise<string> {
    const { data } = await this._engine.query_Explain(this.args());
    return data;
  }

  /**
   * Tells the results now and whenever they change; one listener an object.
   *
   * Parameters are taken at this moment. Resolves with the listener's token.
   */
  addChangeListener(listener: QueryChangeListener): Promise<string> {
    const changeListenerToken = newToken(this._engine);
    return listenersOf(this).add(
      changeListenerToken,
      { name: 'query', refusal: `Listener for query ${this.queryString} already started` },
      (callback) =>
        this._engine.query_AddChangeListener({ ...this.args(), changeListenerToken }, callback),
      ({ data, error }) =>
        listener({ query: this, error, results: JSON.parse(data === undefined ? '[]' : data) }),
    );
  }

  removeChangeListener(token: string): Promise<void> {
    return unsubscribe(token, (changeListenerToken) =>
      this._engine.query_RemoveChangeListener({
        name: this.database.getUniqueName(),
        changeListenerToken,
      }),
    );
  }

  /** Replaces all parameters. */
  addParameter(parameters: Parameters): void {
    this.parameters = parameters;
  }

  getParameters(): Parameters {
    return this.parameters;
  }

  getDatabase(): Database {
    return this.database;
  }

  setDatabase(database: Database): void {
    this.database = database;
  }

  toString(): string {
    return this.queryString;
  }

  private args(): QueryExecuteArgs {
    return {
      name: this.database.getUniqueName(),
      query: this.queryString,
      parameters: this.parameters?.get(),
    };
  }
}
