import { mkdirSync, writeFileSync } from 'fs';
import { join } from 'path';
import { CouchbaseLiteException, EngineLocator, FileSystem } from 'settee';
import { FakeEngine } from './support/fake-engine';
import { runProgram } from './support/program';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
const real = EngineLocator.getEngine(EngineLocator.key);
afterAll(() => FakeEngine.unregister(real));

describe('FileSystem', () => {
  it('gives the default path as a string and files as an object', async () => {
    const fake = FakeEngine.register({
      file_GetDefaultPath: () => ({ path: '/data' }),
      file_GetFileNamesInDirectory: () => ({ files: ['a'] }),
    });
    const fileSystem = new FileSystem();
    await expect(fileSystem.getDefaultPath()).resolves.toBe('/data');
    await expect(fileSystem.getFilesInDirectory('/data')).resolves.toEqual({ files: ['a'] });
    expect(fake.last('file_GetFileNamesInDirectory')).toEqual({ path: '/data' });
    expect(Object.keys(fileSystem)).toEqual([]);
  });

  it('works on the disk', async () => {
    EngineLocator.registerEngine(EngineLocator.key, real);
    const home = join(folder, 'home of it');
    // Where the default is when nobody says, is for the environment of a process.
    const { stdout } = runProgram(
      `process.env.SETTEE_HOME = home;
       console.log(await new settee.FileSystem().getDefaultPath());
       const database = new settee.Database('there');
       await database.open();
       console.log(await database.getPath());
       await database.deleteDatabase();`,
      { home },
    );
    expect(stdout).toBe(`${home}\n${join(home, 'there.cblite2')}\n`);
    const fileSystem = new FileSystem();
    mkdirSync(join(home, 'folder', 'deeper'), { recursive: true });
    writeFileSync(join(home, 'file'), '');
    const names = { files: ['file', 'folder'] };
    await expect(fileSystem.getFilesInDirectory(home)).resolves.toEqual(names);
    await expect(fileSystem.getFilesInDirectory(`file://${home}`)).resolves.toEqual(names);
    const missing = fileSystem.getFilesInDirectory(join(home, 'missing'));
    await expect(missing).rejects.toBeInstanceOf(CouchbaseLiteException);
    await expect(missing).rejects.toMatchObject({
      domain: 'POSIXErrorDomain',
      code: 2,
      message: expect.stringContaining('missing'),
    });
  });
});
