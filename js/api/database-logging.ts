import { hide } from '../util/hidden';
import type { Database } from './database';
import type { DatabaseFileLoggingConfiguration } from './database-file-logging-configuration';

/**
 * File logging, reached as `database.log`.
 *
 * The setting is process-wide, whichever database it is made through; the database need not be
 * open. Source: api §12.
 */
export class DatabaseLogging {
  declare private readonly database: Database;

  constructor(database: Database) {
    hide(this, 'database', database);
  }

  async setFileConfig(config: DatabaseFileLoggingConfiguration): Promise<void> {
    const { database } = this;
    await database.getEngine().database_SetFileLoggingConfig({
      name: database.getUniqueName() ?? database.getName(),
      config,
    });
  }
}
