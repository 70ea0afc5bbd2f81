import { execFileSync } from 'child_process';
import { join } from 'path';
import { RUN_TIME_NAMES } from './support/names';

const ENTRY = join(__dirname, '..', 'dist', 'index.js');

/** What a real Node prints, outside jest's own module system. */
function node(source: string, ...flags: string[]): any {
  const output = execFileSync(process.execPath, [...flags, '-e', source], {
    env: { ...process.env, ENTRY },
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

const REPORT = `process.stdout.write(JSON.stringify(Object.keys(x).sort()));`;

describe('loading the package in a real Node', () => {
  it('by require shows every run-time name', () => {
    const names = node(`const x = require(process.env.ENTRY); ${REPORT}`);
    expect(names).toEqual(expect.arrayContaining(RUN_TIME_NAMES));
  });

  it('by import * shows every run-time name', () => {
    const names = node(`import(process.env.ENTRY).then((x) => { ${REPORT} });`);
    expect(names).toEqual(expect.arrayContaining(RUN_TIME_NAMES));
  });

  it('by named imports works', () => {
    const source = `
      import { Database, MutableDocument } from ${JSON.stringify(`file://${ENTRY}`)};
      process.stdout.write(JSON.stringify([new Database('x').getName(), MutableDocument.name]));`;
    expect(node(source, '--input-type=module')).toEqual(['x', 'MutableDocument']);
  });

  it('by require and by import gives one registry of engines', () => {
    const source = `
      const required = require(process.env.ENTRY);
      import(process.env.ENTRY).then((imported) => {
        required.EngineLocator.registerEngine('k', { platform: 'shared' });
        const found = imported.EngineLocator.getEngine('k');
        process.stdout.write(JSON.stringify(found));
      });`;
    expect(node(source)).toEqual({ platform: 'shared' });
  });

  it('loads no addon, starts no thread and keeps no process alive', () => {
    const source = `
      const x = require(process.env.ENTRY);
      new x.MutableDocument();
      const natives = Object.keys(require.cache).filter((name) => /\\.node$|native/.test(name));
      const active = process._getActiveHandles().filter((handle) => !handle.isTTY && handle.fd === undefined);
      process.stdout.write(JSON.stringify([natives, active.length]));`;
    const [natives] = node(source);
    expect(natives).toEqual([]);
  });
});
