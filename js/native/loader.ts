import * as path from 'path';
import type { NativeEngine } from './binding';

/** What the addon exports. */
export interface Addon {
  NativeEngine: typeof NativeEngine;
}

const PACKAGE = 'settee';

/** Root of the package: this file is `js/native/` in a checkout and `dist/native/` in a package. */
const ROOT = path.join(__dirname, '..', '..');

/**
 * Loads the addon of this platform: `settee.<platform>.node` in the package's root, else the
 * platform's own package `settee-<platform>`.
 *
 * Throws an error that names what was tried when there is none.
 */
export function loadAddon(): Addon {
  const platform = platformName();
  const file = `settee.${platform}.node`;
  const places = [
    () => path.join(ROOT, file),
    // A bundle lies elsewhere than the package that it was made of.
    () => path.join(path.dirname(require.resolve(`${PACKAGE}/package.json`)), file),
    () => `${PACKAGE}-${platform}`,
  ];
  const tried: string[] = [];
  for (const place of places) {
    try {
      return require(place()) as Addon;
    } catch (error) {
      tried.push((error as Error).message.split('\n')[0]);
    }
  }
  throw new Error(
    `settee has no engine for ${platform}: the package ${PACKAGE}-${platform} is missing or does not load. ` +
      'It is an optional dependency: install without --omit=optional, and on the platform that runs it. ' +
      `Tried:\n  ${tried.join('\n  ')}`,
  );
}

/** Platform, architecture and ABI as napi-rs spells them. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === 'linux') {
    const libc = arch === 'arm' ? 'gnueabihf' : 'gnu';
    return `linux-${arch}-${isMusl() ? libc.replace('gnu', 'musl') : libc}`;
  }
  if (platform === 'win32') {
    return `win32-${arch}-msvc`;
  }
  return `${platform}-${arch}`;
}

function isMusl(): boolean {
  const report = process.report?.getReport() as
    | { header?: { glibcVersionRuntime?: string } }
    | string
    | undefined;
  const parsed = typeof report === 'string' ? JSON.parse(report) : report;
  return parsed !== undefined && parsed.header?.glibcVersionRuntime === undefined;
}
