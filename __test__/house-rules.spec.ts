/** Rules of the project that a machine can check. */

import { readdirSync, readFileSync, statSync } from 'fs';
import { join } from 'path';
import ts from 'typescript';

const ROOT = join(__dirname, '..');

function files(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(ROOT, path)).isDirectory()) {
      return files(path, pattern);
    }
    return pattern.test(path) ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

describe('the lockfile', () => {
  const text = read('package-lock.json');

  it('names no host: packages come from whatever registry a machine uses', () => {
    expect(text.match(/"[^"]*:\/\/[^"]*"/g) ?? []).toEqual([]);
    expect(text).not.toContain('"resolved"');
  });

  it('pins the content of every package', () => {
    const { packages } = JSON.parse(text);
    const loose = Object.keys(packages).filter((name) => name !== '' && !packages[name].integrity);
    expect(loose).toEqual([]);
  });
});

describe('the emitted JavaScript runs on Node 12', () => {
  const emitted = files('dist', /\.js$/);

  it('is ES2019', () => {
    for (const path of emitted) {
      const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.ES2019, true);
      const visit = (node: ts.Node): void => {
        const modern =
          (node as ts.PropertyAccessExpression).questionDotToken !== undefined ||
          node.kind === ts.SyntaxKind.QuestionQuestionToken ||
          node.kind === ts.SyntaxKind.QuestionQuestionEqualsToken ||
          node.kind === ts.SyntaxKind.PrivateIdentifier ||
          node.kind === ts.SyntaxKind.BigIntLiteral;
        expect(modern ? `${path}: ${node.parent.getText()}` : '').toBe('');
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
  });

  it('uses no module or function that came later', () => {
    const late =
      /require\(['"]node:|['"]fs\/promises['"]|randomUUID\b(?! )|structuredClone\(|\.replaceAll\(|Object\.hasOwn\(|\.at\(/;
    const code = (path: string) => read(path).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    expect(emitted.filter((path) => late.test(code(path)))).toEqual([]);
  });

  it('loads the addon from js/native alone', () => {
    const others = emitted.filter((path) => !path.startsWith(join('dist', 'native')));
    expect(others.filter((path) => /\.node['"`]/.test(read(path)))).toEqual([]);
  });

  it('has declarations that older compilers read', () => {
    const declarations = files('dist', /\.d\.ts$/);
    expect(declarations.filter((path) => /Uint8Array<|ArrayBufferLike/.test(read(path)))).toEqual(
      [],
    );
  });
});

describe('the sources', () => {
  it('stay readable in size', () => {
    const long = [...files('js', /\.ts$/), ...files('scripts', /\.js$/)].filter(
      (path) => !path.endsWith('.d.ts') && read(path).split('\n').length > 600,
    );
    expect(long).toEqual([]);
  });
});
