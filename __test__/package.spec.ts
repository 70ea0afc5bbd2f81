/** The package as an application gets it: packed, installed, and run in four kinds of project. */

import { execFileSync } from 'child_process';
import { buildSync } from 'esbuild';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import ts from 'typescript';

const ROOT = join(__dirname, '..');
const PROGRAM = join(__dirname, 'package', 'program.ts');
const EXPECTED = { text: 'hello', blob: [104, 105] };

const scratch = mkdtempSync(join(tmpdir(), 'settee package '));
let tarball: string;
let packed: string[];

beforeAll(() => {
  const output = npm(ROOT, 'pack', '--json', '--ignore-scripts', '--pack-destination', scratch);
  const [report] = JSON.parse(output);
  tarball = join(scratch, report.filename);
  packed = report.files.map(({ path }: { path: string }) => path);
}, 240000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the packed package', () => {
  it('carries the compiled API, the types, the addon and nothing of the sources', () => {
    expect(packed).toEqual(
      expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'index.d.ts', 'package.json']),
    );
    expect(packed.filter((path) => /^(js|src|scripts|__test__|target|tmp)\//.test(path))).toEqual(
      [],
    );
    expect(packed.some((path) => /^settee\..+\.node$/.test(path))).toBe(true);
  });

  it('has main and types beside exports, for resolvers that know no exports', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ main: 'dist/index.js', types: 'index.d.ts' });
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.scripts.install ?? manifest.scripts.postinstall).toBeUndefined();
  });

  it('is found sound by publint', () => {
    const cli = join(ROOT, 'node_modules', 'publint', 'src', 'cli.js');
    const output = node(ROOT, cli, '.', '--strict', '--level', 'warning', '--pack', 'npm');
    expect(output).toContain('All good!');
  }, 240000);
});

describe('the program runs', () => {
  it('in a CommonJS project', () => {
    const folder = project('commonjs', {});
    writeFileSync(join(folder, 'main.js'), compiled(ts.ModuleKind.CommonJS));
    expect(run(folder, 'main.js')).toEqual(EXPECTED);
  }, 240000);

  it('in an ES module project', () => {
    const folder = project('esm', { type: 'module' });
    writeFileSync(join(folder, 'main.js'), compiled(ts.ModuleKind.ESNext));
    expect(run(folder, 'main.js')).toEqual(EXPECTED);
  }, 240000);

  it('in a TypeScript project, with old and new module resolution', () => {
    const folder = project('typescript', {});
    copyFileSync(PROGRAM, join(folder, 'main.ts'));
    for (const resolution of ['node16', 'node10']) {
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            module: resolution === 'node16' ? 'node16' : 'commonjs',
            moduleResolution: resolution,
            ignoreDeprecations: '6.0',
            target: 'es2019',
            strict: true,
            types: ['node'],
            typeRoots: [join(ROOT, 'node_modules', '@types')],
          },
          files: ['main.ts'],
        }),
      );
      node(folder, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.');
      expect(run(folder, 'main.js')).toEqual(EXPECTED);
    }
  }, 240000);

  it('bundled by esbuild, the addon left outside', () => {
    const folder = project('bundled', {});
    copyFileSync(PROGRAM, join(folder, 'main.ts'));
    buildSync({
      entryPoints: [join(folder, 'main.ts')],
      outfile: join(folder, 'bundle.js'),
      bundle: true,
      platform: 'node',
      external: ['*.node'],
      logLevel: 'error',
    });
    expect(readFileSync(join(folder, 'bundle.js'), 'utf8')).toMatch(/class _?MutableDocument/);
    expect(run(folder, 'bundle.js')).toEqual(EXPECTED);
  }, 240000);
});

/** An empty project with nothing but the packed package installed. */
function project(name: string, manifest: object): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name, version: '1.0.0', private: true, ...manifest }),
  );
  npm(folder, 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball);
  expect(existsSync(join(folder, 'node_modules', 'settee', 'index.d.ts'))).toBe(true);
  return folder;
}

function compiled(module: ts.ModuleKind): string {
  const { outputText } = ts.transpileModule(readFileSync(PROGRAM, 'utf8'), {
    compilerOptions: { module, target: ts.ScriptTarget.ES2019 },
  });
  return outputText;
}

function run(folder: string, file: string): unknown {
  const data = mkdtempSync(join(folder, 'data '));
  return JSON.parse(node(folder, file, data));
}

function node(cwd: string, ...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd, encoding: 'utf8' });
}

function npm(cwd: string, ...args: string[]): string {
  const windows = process.platform === 'win32';
  return execFileSync(windows ? 'npm.cmd' : 'npm', args, { cwd, encoding: 'utf8', shell: windows });
}
