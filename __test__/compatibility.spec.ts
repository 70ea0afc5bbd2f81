/** docs/compatibility.md can neither miss a name nor say what is not so. */

import { readFileSync } from 'fs';
import { join } from 'path';
import * as settee from 'settee';
import { ENGINE_FUNCTION_NAMES } from '../js/engine/engine-functions';
import { RUN_TIME_NAMES, TYPE_NAMES } from './support/names';

const { NOTES } = require('../scripts/lib/compatibility-notes');
const { compatibilityPage } = require('../scripts/lib/compatibility');
const { readExports } = require('../scripts/lib/declarations');

const functions = settee.engine as unknown as Record<string, (...args: any[]) => Promise<unknown>>;

describe('docs/compatibility.md', () => {
  it('is what its sources make', () => {
    const file = join(__dirname, '..', 'docs', 'compatibility.md');
    expect(readFileSync(file, 'utf8')).toBe(compatibilityPage());
  }, 240000);

  it('has every name of the reference, and says of every other that it is an addition', () => {
    const names = readExports().map(({ name }: { name: string }) => name);
    const reference = [...RUN_TIME_NAMES, ...TYPE_NAMES];
    expect(names).toEqual(expect.arrayContaining(reference));
    for (const name of names.filter((one: string) => !reference.includes(one))) {
      expect(`${name}: ${NOTES[name]?.state}`).toBe(`${name}: addition`);
    }
  }, 240000);
});

describe('engine functions', () => {
  it.each(ENGINE_FUNCTION_NAMES)('%s is there', async (name) => {
    const outcome = await functions[name]({}, () => undefined).then(
      () => 0,
      (error) => error.code,
    );
    // Neither unimplemented nor unsupported.
    expect([2, 19]).not.toContain(outcome);
  });
});
