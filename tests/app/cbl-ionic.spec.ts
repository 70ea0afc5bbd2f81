/**
 * The example application on the classes of the real `cbl-ionic` 0.2.6 with settee's engine: only
 * import lines differ.
 */

import { execFileSync } from 'child_process';
import { readFileSync, writeFileSync } from 'fs';
import { join } from 'path';
import { findPeer } from '../../__test__/support/peer';
import { cblIonicApp, differences } from './support/cbl-ionic-app';
import { type Device, Devices, exampleApp } from './support/devices';
import { picture } from './support/picture';

const ROOT = join(__dirname, '..', '..');
const GUIDE = join(ROOT, 'docs', 'guides', 'migrating-from-cbl-ionic.md');

const found = exampleApp();
const cblIonic = findPeer<{ folder: string }>('cbl-ionic.js');
const missing = found.missing || cblIonic.missing;

if (missing !== '') {
  it.skip(`the example on cbl-ionic [skipped: ${missing}]`, () => undefined);
} else {
  describe('the example on cbl-ionic 0.2.6', () => app());
}

function app(): void {
  const build = join(ROOT, 'tmp', 'example-on-cbl-ionic');
  const devices = new Devices(build);
  let src: string;
  let one: Device;
  let two: Device;

  beforeAll(async () => {
    src = cblIonicApp(found.example, cblIonic.folder as string, join(devices.folder, 'source'));
    await require(join(found.example, 'build.js')).build({
      build,
      src,
      preserveSymlinks: true,
      // Its ES modules import a package that it does not depend on; this file has it in it.
      alias: { 'cbl-ionic': join(src, '..', 'node_modules', 'cbl-ionic', 'dist', 'plugin.cjs.js') },
    });
    await devices.start(found.browser);
    one = await devices.open('One');
    two = await devices.open('Two');
  });

  afterAll(async () => {
    await devices.stop();
    expect(devices.complaints).toEqual([]);
  });

  it('compiles', () => {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    execFileSync(process.execPath, [tsc, '-p', join(src, '..'), '--preserveSymlinks'], {
      encoding: 'utf8',
    });
  });

  it('differs in nothing but the import lines that the guide shows', () => {
    const diff = differences(src, join(found.example, 'src'));
    expect(diff).toContain("-import { EngineLocator } from 'cbl-ionic';");
    if (process.env.SETTEE_SCREENSHOTS) {
      const fence = `\`\`\`diff\n${diff}\`\`\``;
      const text = readFileSync(GUIDE, 'utf8');
      writeFileSync(
        GUIDE,
        text.replace(/^```diff\n[\s\S]*?^```/m, () => fence),
      );
    }
    expect(readFileSync(GUIDE, 'utf8')).toContain(diff);
  });

  it('saves, shows and syncs', async () => {
    const { page } = one;
    await page.getByRole('button', { name: 'Add samples' }).click();
    await page.getByText('5 recipes').waitFor();
    await page.keyboard.press('Control+n');
    await page.getByLabel('Name', { exact: true }).fill('Pancakes');
    await page.locator('#picture-file').setInputFiles(picture('pancakes.png'));
    await page.getByRole('img', { name: 'Picture of Pancakes' }).waitFor();
    await page.keyboard.press('Control+Enter');
    await page
      .getByRole('button', { name: /Pancakes/ })
      .locator('img')
      .waitFor();

    await page.evaluate("location.hash = '/share'");
    await page.getByRole('heading', { name: 'Share this device' }).waitFor();
    await page.getByLabel('Password').fill('basil');
    await page.getByRole('button', { name: 'Start sharing' }).click();
    const address = await page.locator('.addresses code').first().textContent();

    await two.page.evaluate("location.hash = '/sync'");
    await two.page
      .getByLabel('Address')
      .fill(String(address).replace(/\/\/[^/]+:/, '//127.0.0.1:'));
    await two.page.getByLabel('Password').fill('basil');
    await two.page.getByRole('button', { name: 'Connect' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Allow' }).click();
    await two.page.locator('.sync[data-state=idle]').waitFor();
    await two.page.evaluate("location.hash = '/recipes'");
    await two.page.getByText('6 recipes').waitFor();
    await two.page
      .getByRole('button', { name: /Pancakes/ })
      .locator('img')
      .waitFor();
  });
}
