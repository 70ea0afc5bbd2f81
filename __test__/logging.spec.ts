/** Console and file logging through the public API (api §12). */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'fs';
import { join } from 'path';
import {
  BasicAuthenticator,
  Database,
  DatabaseConfiguration,
  type DatabaseFileLoggingConfiguration,
  DatabaseLogging,
  LogDomain,
  LogLevel,
  MutableDocument,
  Replicator,
  ReplicatorConfiguration,
  ReplicatorType,
  URLEndpoint,
  URLEndpointListener,
} from 'settee';
import { filesWith } from './support/files';
import { runProgram } from './support/program';
import { scratchFolder } from './support/scratch';
import { until } from './support/wait';

const scratch = scratchFolder();
const logging = new DatabaseLogging(new Database('never opened'));
const newFolder = () => mkdtempSync(join(scratch, 'logs-'));

/** What the log of a level says, all files of it. */
function log(directory: string, level: string): string {
  return names(directory, level)
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('');
}

function names(directory: string, level: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith(`cbl_${level}_`));
}

async function openAndClose(name: string): Promise<void> {
  const database = new Database(name, new DatabaseConfiguration(newFolder()));
  await database.open();
  await database.close();
}

beforeAll(() => Database.setLogLevel(LogDomain.ALL, LogLevel.NONE));

afterEach(() => logging.setFileConfig({ level: LogLevel.NONE, directory: scratch }));

describe('log files', () => {
  it('are one series a level, in plain text, named after level and time', async () => {
    const directory = join(newFolder(), 'made', 'for it');
    await logging.setFileConfig({ level: LogLevel.VERBOSE, directory, usePlaintext: false });
    await openAndClose('logged');
    for (const level of ['verbose', 'info', 'warning', 'error']) {
      expect(names(directory, level)).toEqual([
        expect.stringMatching(new RegExp(`^cbl_${level}_\\d{13}\\.cbllog$`)),
      ]);
    }
    expect(readdirSync(directory)).toHaveLength(4);
    expect(log(directory, 'info')).toMatch(
      /^---- settee .*\n[-\d]+T[\d:.]+Z \[DATABASE\] info: database opened name="logged"/,
    );
    expect(log(directory, 'error')).not.toContain('DATABASE');
  });

  it('have only what is as severe as the level, until it is NONE', async () => {
    const directory = newFolder();
    await logging.setFileConfig({ level: LogLevel.WARNING, directory });
    await openAndClose('quiet');
    await logging.setFileConfig({ level: LogLevel.INFO, directory: `file://${directory}` });
    await openAndClose('heard');
    await logging.setFileConfig({ level: LogLevel.NONE, directory });
    await openAndClose('after');
    expect(log(directory, 'info')).toContain('name="heard"');
    expect(filesWith('quiet', directory)).toEqual([]);
    expect(filesWith('after', directory)).toEqual([]);
  });

  it('rotate by size, and the oldest go', async () => {
    const directory = newFolder();
    const config = { level: LogLevel.INFO, directory, maxSize: 700, maxRotateCount: 2 };
    await logging.setFileConfig(config);
    for (let round = 0; round < 12; round += 1) {
      await openAndClose(`round${round}`);
    }
    const files = names(directory, 'info');
    expect(files).toHaveLength(3);
    for (const name of files) {
      expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(700);
    }
    expect(log(directory, 'info')).toContain('name="round11"');
    expect(log(directory, 'info')).not.toContain('name="round0"');
  });

  it('hold neither passwords nor keys at any level, nor bodies above DEBUG', async () => {
    const [verbose, debug] = [newFolder(), newFolder()];
    await logging.setFileConfig({ level: LogLevel.VERBOSE, directory: verbose });
    await replicateWithSecrets();
    await logging.setFileConfig({ level: LogLevel.DEBUG, directory: debug });
    await replicateWithSecrets();
    expect(log(verbose, 'info')).toMatch(/\[REPLICATOR\] info: started .*peer="127\.0\.0\.1/);
    expect(log(verbose, 'info')).toMatch(/\[NETWORK\] info: client connected/);
    expect(log(verbose, 'error')).toMatch(/\[REPLICATOR\] error: stopped .*Unauthorized/);
    expect(filesWith('secret-body', verbose)).toEqual([]);
    for (const secret of SECRETS) {
      expect(filesWith(secret, verbose)).toEqual([]);
      expect(filesWith(secret, debug)).toEqual([]);
      expect(filesWith(Buffer.from(`user:${secret}`).toString('base64'), debug)).toEqual([]);
    }
  });

  it.each<[string, Partial<Record<keyof DatabaseFileLoggingConfiguration, unknown>>, RegExp]>([
    ['an unknown level', { level: 6 }, /"level".*6/],
    ['no level', { level: undefined }, /"level"/],
    ['a level that is no number', { level: 'INFO' }, /"level".*INFO/],
    ['no directory', { directory: undefined }, /"directory"/],
    ['an empty directory', { directory: '' }, /"directory"/],
    ['an empty file URL', { directory: 'file://' }, /"directory"/],
    ['a directory that is no text', { directory: 7 }, /"directory"/],
    ['a NUL in the directory', { directory: '/tmp/a\0b' }, /"directory"/],
    ['a size of nothing', { maxSize: 0 }, /"maxSize".*0/],
    ['a negative size', { maxSize: -1 }, /"maxSize".*-1/],
    ['half a byte', { maxSize: 0.5 }, /"maxSize".*0\.5/],
    ['a size that is no number', { maxSize: '1' }, /"maxSize"/],
    ['a negative count', { maxRotateCount: -1 }, /"maxRotateCount".*-1/],
    ['a format that is no choice', { usePlaintext: 'yes' }, /"usePlaintext"/],
  ])('are refused with %s', async (_title, change, message) => {
    const config = { level: LogLevel.INFO, directory: newFolder(), ...change };
    await expect(logging.setFileConfig(config as any)).rejects.toMatchObject({
      domain: 'CouchbaseLite',
      code: 9,
      message: expect.stringMatching(message),
    });
  });

  it('stay as they were when the new directory cannot be made', async () => {
    const directory = newFolder();
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    await logging.setFileConfig({ level: LogLevel.INFO, directory });
    const bad = { level: LogLevel.INFO, directory: join(file, 'logs') };
    await expect(logging.setFileConfig(bad)).rejects.toMatchObject({
      domain: 'POSIXErrorDomain',
      message: expect.stringContaining(file),
    });
    await openAndClose('still');
    expect(log(directory, 'info')).toContain('name="still"');
  });

  it('of two programs may lie in one folder', async () => {
    const directory = newFolder();
    mkdirSync(directory, { recursive: true });
    const program = `
      const database = new settee.Database(name, new settee.DatabaseConfiguration(folder));
      await database.log.setFileConfig({ level: settee.LogLevel.INFO, directory, maxRotateCount: 5 });
      await database.open();
      await database.close();`;
    for (const name of ['first', 'second']) {
      runProgram(program, { name, directory, folder: newFolder() });
    }
    expect(log(directory, 'info')).toMatch(/name="first"[\s\S]*name="second"/);
  });
});

describe('the console', () => {
  /** What a program with these settings says while a database opens and a listener warns. */
  const said = (settings: string): string =>
    runProgram(
      `${settings}
       const database = new settee.Database('x', new settee.DatabaseConfiguration(folder));
       await database.open();
       const collections = [await database.defaultCollection()];
       const listener = await settee.URLEndpointListener.create(
         { collections, networkInterface: '127.0.0.1', disableTLS: true,
           authenticatorConfig: { type: 'basic', data: { username: 'u', password: 'p' } } });
       await listener.start();
       await listener.stop();
       await database.close();`,
      { folder: newFolder() },
    ).stderr;

  it('shows warnings to begin with', () => {
    const text = said('');
    expect(text).toMatch(/\[NETWORK\] warning: .*TLS is disabled/);
    expect(text).not.toContain('info:');
  });

  it('shows one domain alone, the one set last', () => {
    const text = said(`
      await settee.Database.setLogLevel('DATABASE', settee.LogLevel.INFO);
      await settee.Database.setLogLevel('NETWORK', settee.LogLevel.INFO);`);
    expect(text).toContain('[NETWORK] info:');
    expect(text).not.toContain('[DATABASE]');
    const other = said(`await settee.Database.setLogLevel('DATABASE', settee.LogLevel.DEBUG);`);
    expect(other).toContain('[DATABASE] info: database opened');
    expect(other).not.toContain('[NETWORK]');
  });

  it('shows all domains again, or nothing', () => {
    const text = said(`
      await settee.Database.setLogLevel('QUERY', settee.LogLevel.NONE);
      await settee.Database.setLogLevel('ALL', settee.LogLevel.INFO);`);
    expect(text).toContain('[NETWORK] info:');
    expect(text).toContain('[DATABASE] info:');
    expect(said(`await settee.Database.setLogLevel('ALL', settee.LogLevel.NONE);`)).toBe('');
  });

  it.each([
    ['LISTENER', LogLevel.INFO, /"domain".*LISTENER/],
    ['all', LogLevel.INFO, /"domain".*all/],
    [LogDomain.ALL, 6, /"logLevel".*6/],
    [LogDomain.ALL, -1, /"logLevel".*-1/],
    [LogDomain.ALL, 1.5, /"logLevel".*1\.5/],
  ])('refuses domain %s with level %s', async (domain, level, message) => {
    await expect(Database.setLogLevel(domain as LogDomain, level)).rejects.toMatchObject({
      domain: 'CouchbaseLite',
      code: 9,
      message: expect.stringMatching(message),
    });
  });
});

const SECRETS = ['right-secret', 'wrong-secret', 'key-secret', 'new-key-secret', 'cookie-secret'];

/** Everything that is given a secret: keys, a listener, replicators with right and wrong passwords. */
async function replicateWithSecrets(): Promise<void> {
  const config = new DatabaseConfiguration(newFolder(), 'key-secret');
  const database = new Database('secrets', config);
  await database.open();
  await database.changeEncryptionKey('new-key-secret');
  const collection = await database.defaultCollection();
  await collection.save(new MutableDocument('x', { text: 'secret-body' }));
  const other = new Database('other', new DatabaseConfiguration(newFolder()));
  await other.open();
  const listener = await URLEndpointListener.create({
    collections: [collection],
    networkInterface: '127.0.0.1',
    disableTLS: true,
    authenticatorConfig: { type: 'basic', data: { username: 'user', password: 'right-secret' } },
  } as any);
  await listener.start();
  const target = new URLEndpoint(`ws://127.0.0.1:${await listener.getPort()}/secrets`);
  for (const password of ['right-secret', 'wrong-secret']) {
    const configuration = new ReplicatorConfiguration(target);
    configuration.addCollection(await other.defaultCollection());
    configuration.setReplicatorType(ReplicatorType.PULL);
    configuration.setAuthenticator(new BasicAuthenticator('user', password));
    configuration.setHeaders({ Cookie: 'a=cookie-secret' });
    const replicator = await Replicator.create(configuration);
    let stopped = false;
    await replicator.addChangeListener((change) => {
      stopped = stopped || change.status.getActivityLevel() === 0;
    });
    await replicator.start(false);
    await until(() => stopped, 'the replicator to stop');
    await replicator.cleanup();
  }
  await listener.stop();
  await other.close();
  await database.close();
}
