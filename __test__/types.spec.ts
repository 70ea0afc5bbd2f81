import { readFileSync } from 'fs';
import { join } from 'path';
import ts from 'typescript';
import { RUN_TIME_NAMES, TYPE_NAMES } from './support/names';

const FOLDER = join(__dirname, 'types');

/** Compiles a program that imports the package by name and gives what the compiler says. */
function compile(file: string, options: ts.CompilerOptions): string[] {
  const program = ts.createProgram([join(FOLDER, file)], {
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    // No Node types, and declarations are checked too: they must stand on their own.
    types: [],
    skipLibCheck: false,
    ...options,
  });
  const host = {
    getCanonicalFileName: (x: string) => x,
    getCurrentDirectory: () => FOLDER,
    getNewLine: () => '\n',
  };
  return ts
    .getPreEmitDiagnostics(program)
    .map((diagnostic) => ts.formatDiagnostic(diagnostic, host));
}

const NODE16 = { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 };
const BUNDLER = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const DOM = ['lib.es2022.d.ts', 'lib.dom.d.ts'];

describe('the declarations', () => {
  it.each([
    ['strict, node16', { ...NODE16, strict: true }],
    ['loose, node16', { ...NODE16, strict: false }],
    ['strict, bundler', { ...BUNDLER, strict: true, lib: DOM }],
    ['loose, bundler', { ...BUNDLER, strict: false, lib: DOM }],
  ])(
    'let a program touch every exported name: %s',
    (_title, options) => {
      expect(compile('every-name.ts', { lib: DOM, ...options })).toEqual([]);
    },
    240000,
  );

  it('let a program do what the loosely typed reference let it do', () => {
    expect(compile('loose.ts', { ...BUNDLER, strict: false, lib: DOM })).toEqual([]);
  }, 240000);

  it('need no library newer than ES2015 and none of the DOM', () => {
    const lib = ['lib.es2015.d.ts'];
    expect(compile('loose.ts', { ...BUNDLER, strict: false, lib })).toEqual([]);
  }, 240000);

  it('are really checked', () => {
    expect(compile('wrong.ts', { ...NODE16, strict: false, lib: DOM })).toEqual([
      expect.stringContaining("Property 'opne' does not exist on type 'Database'"),
    ]);
  }, 240000);

  it('are tested by a program that really names every name', () => {
    const text = readFileSync(join(FOLDER, 'every-name.ts'), 'utf8');
    const body = text.slice(text.indexOf('export async function'));
    const missing = [...RUN_TIME_NAMES, ...TYPE_NAMES].filter(
      (name) => !new RegExp(`\\b${name}\\b`).test(body),
    );
    expect(missing).toEqual([]);
  });
});
