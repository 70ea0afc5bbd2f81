import { mkdtempSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';

/** A folder of its own for the tests of one file, with a space in its path. Removed at the end. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'settee test '));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
