/**
 * Every sample in the documents compiles and runs. The TypeScript of a page is one program, in the
 * order of the page; samples for Electron run in `tests/electron/guide.spec.ts`.
 */

import { spawn, spawnSync } from 'child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'fs';
import { join } from 'path';
import {
  Database,
  DatabaseConfiguration,
  type TlsIdentityConfig,
  URLEndpointListener,
} from 'settee';
import ts from 'typescript';
import { documents, samples } from './support/samples';
import { scratchFolder } from './support/scratch';

const ROOT = join(__dirname, '..');
const folder = scratchFolder();
process.env.SETTEE_HOME = join(folder, 'home');

/** What runs samples that are not TypeScript for Node. */
const ELSEWHERE = ['electron-main', 'electron-page', 'electron-quit', 'electron-migration'];

const pages = documents()
  .map((page) => ({ page, code: programOf(page) }))
  .filter(({ code }) => code !== '');

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules', 'settee'), 'junction');
});

it('there are samples in the README and in every guide', () => {
  expect(pages.map(({ page }) => page)).toEqual(
    expect.arrayContaining(
      [...['getting-started', 'peer-to-peer', 'tls-identities', 'conflicts', 'sync-gateway']].map(
        (name) => join('docs', 'guides', `${name}.md`),
      ),
    ),
  );
  expect(pages.map(({ page }) => page)).toContain('README.md');
});

it('every sample is run by somebody', () => {
  const unknown = documents().flatMap((page) =>
    samples(page)
      .filter(
        ({ language, runBy }) =>
          !(language === 'ts' && runBy === '') &&
          !ELSEWHERE.includes(runBy) &&
          // `tests/readme.rs` runs the Rust.
          language !== 'rust',
      )
      .map(({ language, runBy }) => `${page}: ${language} ${runBy}`),
  );
  expect(unknown).toEqual([]);
});

it('the Rust of the README is what tests/readme.rs runs', () => {
  const test = readFileSync(join(ROOT, 'tests', 'readme.rs'), 'utf8');
  const lines = (text: string) => text.split('\n').map((line) => line.trim());
  const [{ code }] = samples('README.md').filter(({ language }) => language === 'rust');
  const ours = lines(test);
  expect(lines(code).filter((line) => !ours.includes(line))).toEqual([]);
});

it('the reference of the API is made without a warning', () => {
  const cli = join(ROOT, 'node_modules', 'typedoc', 'bin', 'typedoc');
  const args = [cli, '--emit', 'none', '--treatWarningsAsErrors'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(status === 0 ? '' : stdout + stderr).toBe('');
}, 120000);

it('the samples compile', () => {
  const files = pages.map(({ page, code }) => {
    const file = join(folder, `${page.replace(/\W/g, '-')}.mts`);
    writeFileSync(file, code);
    return file;
  });
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
  });
  const messages = ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  expect(messages).toEqual([]);
}, 120000);

describe('the samples run', () => {
  it.each(pages.map(({ page, code }) => [page, code]))(
    'of %s',
    async (page, code) => {
      const place = mkdtempSync(join(folder, 'run-'));
      const gateway = page.includes('sync-gateway') ? await standIn() : undefined;
      const text = code
        .replace('wss://sync.example.com:4984/travel', gateway?.url ?? '')
        // The stand-in's certificate is its own.
        .replace('setAcceptOnlySelfSignedCerts(false)', 'setAcceptOnlySelfSignedCerts(true)');
      const { outputText } = ts.transpileModule(text, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      const file = join(place, 'program.mjs');
      writeFileSync(file, `${outputText}\nprocess.exit(0);\n`);
      const { status, output } = await run(file, place);
      await gateway?.end();
      expect(status === 0 ? '' : output).toBe('');
    },
    60000,
  );
});

/** The TypeScript of a page. */
function programOf(page: string): string {
  return samples(page)
    .filter(({ language, runBy }) => language === 'ts' && runBy === '')
    .map(({ code }) => code)
    .join('\n');
}

function run(file: string, cwd: string): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], {
      cwd,
      timeout: 50_000,
      env: { ...process.env, SETTEE_HOME: join(cwd, 'home') },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text;
      });
    }
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}

/** A listener in place of the gateway that a page names. */
async function standIn(): Promise<{ url: string; end(): Promise<void> }> {
  const database = new Database('travel', new DatabaseConfiguration(join(folder, 'gateway')));
  await database.open();
  const hotels = await database.createCollection('hotels', 'inventory');
  const tlsIdentityConfig: TlsIdentityConfig = {
    mode: 'selfSigned',
    attributes: { certAttrCommonName: 'localhost' },
  };
  const listener = await URLEndpointListener.create({
    collections: [hotels],
    networkInterface: '127.0.0.1',
    authenticatorConfig: { type: 'basic', data: { username: 'alice', password: 'secret' } },
    tlsIdentityConfig,
  });
  await listener.start();
  return {
    url: `wss://127.0.0.1:${listener.getPort()}/travel`,
    end: async () => {
      await listener.stop();
      await database.close();
    },
  };
}
