import { execFileSync } from 'child_process';
import { join } from 'path';

const PEERS = join(__dirname, '..', '..', 'scripts', 'peers');

/**
 * What a script of `scripts/peers` has found or fetched; `missing` says why it has not, and is
 * empty otherwise.
 *
 * Throws on a continuous integration server, unless a registry refused the download.
 */
export function findPeer<Found>(
  script: string,
  ...args: string[]
): Partial<Found> & { missing: string } {
  const output = execFileSync(process.execPath, [join(PEERS, script), ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const found = { missing: '', ...JSON.parse(output.trim().split('\n').pop() as string) };
  if (found.missing !== '' && process.env.CI === 'true' && !found.refused) {
    throw new Error(found.missing);
  }
  return found;
}
