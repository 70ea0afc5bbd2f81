import { EngineLocator, FileSystem } from 'settee';
import { FakeEngine } from './support/fake-engine';

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
});
