import * as fs from 'fs';
import * as path from 'path';
import { invalid } from '../native/argument-checks';
import { stripFileScheme } from '../util/paths';

type Fields = Record<string, any>;

/** Functions with a configuration that names a directory. */
const WITH_CONFIG = ['database_Open', 'database_Copy', 'database_SetFileLoggingConfig'];

/** Functions where a missing directory means the default one. */
const WITH_DIRECTORY = ['database_Exists', 'database_DeleteWithPath'];

/** Keeps every path in the arguments of a window inside one directory. */
export class PathGuard {
  /** `directory` is where paths must be, and what a missing directory means. */
  constructor(readonly directory: string) {}

  /** Checks and completes the paths in `args`, a copy of the caller's. Throws for one outside. */
  check(name: string, args: Fields): void {
    for (const field of ['path', 'directory']) {
      if (typeof args[field] === 'string' && args[field] !== '') {
        this.inside(field, args[field]);
      }
    }
    if (WITH_DIRECTORY.includes(name) && isNothing(args.directory)) {
      args.directory = this.directory;
    }
    if (WITH_CONFIG.includes(name)) {
      args.config = this.config(name, args.config);
    }
    if (args.blobs !== undefined && args.blobs !== null) {
      args.blobs = this.blobs(args.blobs);
    }
  }

  private config(name: string, given: unknown): unknown {
    const config = objectOf(given);
    if (config === undefined) {
      return given;
    }
    if (!isNothing(config.directory)) {
      if (typeof config.directory === 'string') {
        this.inside('directory', config.directory);
      }
    } else if (name !== 'database_SetFileLoggingConfig') {
      return { ...config, directory: this.directory };
    }
    return config;
  }

  /** Blobs may name files: `{key: {data: {path}}}`, also as JSON text and in the reference's form. */
  private blobs(given: unknown): unknown {
    const blobs = objectOf(given);
    if (blobs === undefined) {
      return given;
    }
    for (const key of Object.keys(blobs)) {
      const entry = blobs[key];
      const data = entry?._type === 'blob' ? entry.data?.data : entry?.data;
      if (typeof data?.path === 'string') {
        this.inside(`blobs.${key.slice(0, 80)}`, data.path);
      }
    }
    return blobs;
  }

  private inside(field: string, given: string): void {
    const wanted = realPath(path.resolve(stripFileScheme(given)));
    const root = realPath(path.resolve(this.directory));
    const relative = path.relative(root, wanted);
    if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)) {
      throw invalid(`argument "${field}": ${given} is outside the directory of this window`);
    }
  }
}

/** An object, also when given as its JSON text; nothing counts as an empty one. */
export function objectOf(given: unknown): Fields | undefined {
  if (isNothing(given)) {
    return {};
  }
  if (typeof given !== 'string') {
    return typeof given === 'object' ? (given as Fields) : undefined;
  }
  try {
    const parsed = JSON.parse(given);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    // The engine says what is wrong with it.
    return undefined;
  }
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** The path without symbolic links, as far as it exists. */
function realPath(wanted: string): string {
  const rest: string[] = [];
  for (let at = wanted; ; at = path.dirname(at)) {
    try {
      return path.join(fs.realpathSync(at), ...rest);
    } catch {
      if (path.dirname(at) === at) {
        return wanted;
      }
      rest.unshift(path.basename(at));
    }
  }
}
