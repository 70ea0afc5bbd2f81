import type { ICoreEngine } from '../engine/core-engine';
import { currentEngine } from '../engine/engine-locator';
import { hide } from '../util/hidden';

/** Where databases live by default, and what is in a folder. Source: api §11. */
export class FileSystem {
  declare private readonly _engine: ICoreEngine;

  constructor() {
    hide(this, '_engine', currentEngine());
  }

  /** The per-user, per-application data directory, made when missing. */
  async getDefaultPath(): Promise<string> {
    const { path } = await this._engine.file_GetDefaultPath();
    return path;
  }

  /** Names of the files and folders in `path`, not recursive; rejects when it is missing. */
  async getFilesInDirectory(path: string): Promise<{ files: string[] }> {
    return this._engine.file_GetFileNamesInDirectory({ path });
  }
}
