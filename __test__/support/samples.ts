import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';

const ROOT = join(__dirname, '..', '..');

/** Languages of fences that hold no program of this package. */
const NO_PROGRAM = ['', 'text', 'xml', 'diff', 'json', 'sh', 'sql'];

/** A fenced piece of a document. */
export interface Sample {
  language: string;
  /** The word after the language: who runs it. */
  runBy: string;
  code: string;
}

/** The documents whose samples are programs: README, CHANGELOG and everything under docs. */
export function documents(folder = 'docs'): string[] {
  const inside = readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? documents(path) : [path];
  });
  const pages = inside.filter((path) => path.endsWith('.md'));
  return folder === 'docs' ? ['README.md', ...pages] : pages;
}

/** The samples of a document, in order. */
export function samples(document: string): Sample[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(/^```(\w*)[ ]*([\w-]*)\n([\s\S]*?)^```$/gm)]
    .map(([, language, runBy, code]) => ({ language, runBy, code }))
    .filter(({ language }) => !NO_PROGRAM.includes(language));
}
