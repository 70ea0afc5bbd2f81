/** The package as an application gets it: packed, installed, run in four kinds of project and in three versions of Node. */

import { execFileSync } from 'child_process';
import { buildSync } from 'esbuild';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import ts from 'typescript';
import { needs } from './support/needs';
import { findPeer } from './support/peer';

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

describe('what is published', () => {
  const { packRelease } = require('../scripts/lib/release');
  let release: any;
  const folder = join(scratch, 'published');

  beforeAll(() => {
    release = packRelease(join(scratch, 'release'));
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"name":"app","version":"1.0.0","private":true}');
    copyFileSync(PROGRAM, join(folder, 'main.ts'));
    writeFileSync(join(folder, 'main.js'), compiled(ts.ModuleKind.CommonJS));
  }, 240000);

  it('is a package without an addon, and one for each platform', () => {
    expect(release.main.files.filter((path: string) => path.endsWith('.node'))).toEqual([]);
    expect(release.main.unpackedSize).toBeLessThan(2 * 1024 * 1024);
    expect(release.platform.files.sort()).toEqual([
      'README.md',
      'package.json',
      expect.stringMatching(/^settee\..+\.node$/),
    ]);
    expect(release.platforms.sort()).toEqual(
      [
        ...['settee-darwin-arm64', 'settee-darwin-x64', 'settee-linux-arm64-gnu'],
        ...['settee-linux-x64-gnu', 'settee-linux-x64-musl', 'settee-win32-x64-msvc'],
      ].sort(),
    );
  });

  it('says which package is missing when the one of the platform was not installed', () => {
    install(release.main.tarball);
    const { name } = release.platform;
    expect(() => run(folder, 'main.js')).toThrow(`the package ${name} is missing`);
  }, 240000);

  it('runs with the package of the platform beside it, where there is no compiler', () => {
    install(release.main.tarball, release.platform.tarball);
    expect(existsSync(join(folder, 'node_modules', release.platform.name))).toBe(true);
    const data = mkdtempSync(join(folder, 'data '));
    const output = execFileSync(process.execPath, ['main.js', data], {
      cwd: folder,
      encoding: 'utf8',
      env: onlyNode(),
    });
    expect(JSON.parse(output)).toEqual(EXPECTED);
  }, 240000);

  /** Installs with nothing on the PATH but Node and npm: no compiler, no make, no Rust. */
  function install(...tarballs: string[]): void {
    const command = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    execFileSync(command, ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
      env: onlyNode(),
      shell: process.platform === 'win32',
    });
  }

  function onlyNode(): NodeJS.ProcessEnv {
    if (process.platform === 'win32') {
      return process.env;
    }
    const bin = join(scratch, 'bin');
    mkdirSync(bin, { recursive: true });
    for (const name of ['node', 'npm', 'sh', 'env']) {
      const found = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
      if (!existsSync(join(bin, name))) {
        symlinkSync(realpathSync(found), join(bin, name));
      }
    }
    return { HOME: scratch, PATH: bin };
  }
});

describe('the types', () => {
  it('are found right by attw, in old and new resolvers', () => {
    const cli = join(ROOT, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const output = node(ROOT, cli, tarball, '--format', 'ascii', '--no-emoji', '--no-color');
    expect(output).toContain('No problems found');
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

describe('the program runs in Node', () => {
  for (const major of ['20', '22', '24']) {
    const { program, missing } = findPeer<{ program: string }>('node-version.js', major);
    needs(program !== undefined, missing)(
      major,
      () => {
        const folder = project(`node-${major}`, {});
        writeFileSync(join(folder, 'main.js'), compiled(ts.ModuleKind.CommonJS));
        expect(run(folder, 'main.js', program)).toEqual(EXPECTED);
      },
      240000,
    );
  }
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

function run(folder: string, file: string, program = process.execPath): unknown {
  const data = mkdtempSync(join(folder, 'data '));
  return JSON.parse(execFileSync(program, [file, data], { cwd: folder, encoding: 'utf8' }));
}

function node(cwd: string, ...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd, encoding: 'utf8' });
}

function npm(cwd: string, ...args: string[]): string {
  const windows = process.platform === 'win32';
  return execFileSync(windows ? 'npm.cmd' : 'npm', args, { cwd, encoding: 'utf8', shell: windows });
}
