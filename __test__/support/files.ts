import { readdirSync, readFileSync, statSync } from 'fs';
import { join } from 'path';

/** Paths of all files in a folder and below. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}

/** Paths of the files in a folder and below that hold a text. */
export function filesWith(text: string, folder: string): string[] {
  return filesIn(folder).filter((path) => readFileSync(path).includes(text));
}
