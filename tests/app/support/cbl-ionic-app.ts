import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'fs';
import { join, relative } from 'path';

/** What `cbl-ionic` 0.2.6 lacks and an app takes from settee in any case. */
const ONLY_SETTEE = [
  ...[
    'ListenerConnection',
    'ListenerRequest',
    'PeerBrowser',
    'TlsIdentityConfig',
    'URLEndpointListener',
  ],
];

const IMPORT = /^import (type )?\{([^}]*)\} from 'settee';$/gm;

/**
 * Writes the example as it would be for `cbl-ionic`: import lines name that package for all that it
 * has, everything else is the same. Gives the folder of sources.
 */
export function cblIonicApp(example: string, cblIonic: string, into: string): string {
  const src = join(into, 'src');
  mkdirSync(into, { recursive: true });
  cpSync(join(example, 'src'), src, { recursive: true });
  for (const file of sources(src)) {
    writeFileSync(file, imports(readFileSync(file, 'utf8')));
  }
  cpSync(join(example, 'tsconfig.json'), join(into, 'tsconfig.json'));
  const modules = join(into, 'node_modules');
  mkdirSync(modules);
  for (const from of [example, cblIonic].map((folder) => join(folder, 'node_modules'))) {
    for (const name of readdirSync(from).filter((one) => !existsSync(join(modules, one)))) {
      symlinkSync(join(from, name), join(modules, name));
    }
  }
  return src;
}

function imports(text: string): string {
  return text.replace(IMPORT, (line, type = '', list: string) => {
    const names = list
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    const own = names.filter((name) => ONLY_SETTEE.includes(name.replace(/^type /, '')));
    if (own.length === names.length) {
      return line;
    }
    if (own.length === 0) {
      return line.replace(/'settee';$/, "'cbl-ionic';");
    }
    const theirs = names.filter((name) => !own.includes(name));
    return [[theirs, 'cbl-ionic'] as const, [own, 'settee'] as const]
      .filter(([chosen]) => chosen.length > 0)
      .map(([chosen, from]) => `import ${type}{ ${chosen.join(', ')} } from '${from}';`)
      .join('\n');
  });
}

/** The lines in which two folders of sources differ, as a diff of each file. */
export function differences(before: string, after: string): string {
  return sources(after)
    .map((file) => relative(after, file))
    .map((name) => {
      const [old, now] = [before, after].map((folder) => readFileSync(join(folder, name), 'utf8'));
      const lines = changed(old.split('\n'), now.split('\n'));
      return lines.length === 0
        ? ''
        : [`--- src/${name}`, `+++ src/${name}`, ...lines, ''].join('\n');
    })
    .filter(Boolean)
    .join('');
}

/** Import statements stand at the top, so what differs is what only one side has. */
function changed(old: string[], now: string[]): string[] {
  const statements = (lines: string[]): string[] =>
    lines.join('\n').match(/^import [^;]*;$/gm) ?? [];
  const [before, after] = [statements(old), statements(now)];
  const body = (lines: string[]) => lines.join('\n').replace(/^import [^;]*;\n/gm, '');
  if (body(old) !== body(now)) {
    throw new Error('more than import lines differ');
  }
  return [
    ...before.filter((one) => !after.includes(one)).map((one) => one.replace(/^/gm, '-')),
    ...after.filter((one) => !before.includes(one)).map((one) => one.replace(/^/gm, '+')),
  ].flatMap((text) => text.split('\n'));
}

function sources(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? sources(path) : [path]))
    .filter((path) => /(?<!\.d)\.ts$/.test(path));
}
