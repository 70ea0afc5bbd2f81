/** The example application, used on two devices as people would. */

import { readFileSync } from 'fs';
import { join } from 'path';
import type { Page } from 'playwright-core';
import { type Device, Devices, exampleApp } from './support/devices';
import { seriousIssues, shot } from './support/look';
import { picture } from './support/picture';

const found = exampleApp();

if (found.missing !== '') {
  it.skip(`the example application [skipped: ${found.missing}]`, () => undefined);
} else {
  describe('the example application', () => app());
}

function app(): void {
  const devices = new Devices(join(found.example, 'build'));
  let kitchen: Device;
  let study: Device;
  let address = '';

  beforeAll(async () => {
    await require(join(found.example, 'build.js')).build();
    await devices.start(found.browser);
    kitchen = await devices.open('Kitchen');
    study = await devices.open('Study', { dark: true });
  });

  afterAll(async () => {
    await devices.stop();
    expect(devices.complaints).toEqual([]);
  });

  const go = async (page: Page, place: string) => {
    await page.getByRole('navigation').getByRole('link', { name: place }).click();
    await page.getByRole('heading', { name: place, level: 1 }).waitFor();
  };
  const tile = (page: Page, name: string) => page.getByRole('button', { name: new RegExp(name) });
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

  it('begins with an invitation, and lists what is added', async () => {
    const { page } = kitchen;
    await page.getByText('No recipes yet').waitFor();
    await shot(page, 'recipes-empty');
    await button(page, 'Add samples').click();
    await page.getByText('5 recipes').waitFor();
  });

  it('saves a new recipe with a picture, by keyboard', async () => {
    const { page } = kitchen;
    await page.keyboard.press('Control+n');
    await page.getByLabel('Name', { exact: true }).fill('Pancakes');
    await page.getByLabel('Minutes', { exact: true }).fill('25');
    await page.locator('#picture-file').setInputFiles(picture('pancakes.png'));
    await page.getByRole('img', { name: 'Picture of Pancakes' }).waitFor();
    await page.getByRole('textbox', { name: 'Notes' }).fill('Rest the batter for ten minutes.');
    await shot(page, 'recipe-new');
    await page.keyboard.press('Control+Enter');
    await tile(page, 'Pancakes').locator('img').waitFor();
    await shot(page, 'recipes');
  });

  it('finds recipes by words and category, and says when there are none', async () => {
    const { page } = kitchen;
    await page.keyboard.press('/');
    await page.keyboard.type('bread');
    await page.getByText('1 recipe', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Dessert' }).click();
    await page.getByText('Nothing found').waitFor();
    await shot(page, 'recipes-nothing-found');
    await button(page, 'Show all').click();
    await page.getByText('6 recipes').waitFor();
  });

  it('refuses what cannot be saved and says why', async () => {
    const { page } = kitchen;
    await tile(page, 'Tomato soup').click();
    await page.getByLabel('Minutes', { exact: true }).fill('soon');
    await page.getByText('Minutes are a whole number.').waitFor();
    await page.locator('#save[disabled]').waitFor();
    await page.locator('#picture-file').setInputFiles({
      name: 'notes.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('no picture'),
    });
    await page.getByText('notes.txt is no picture').waitFor();
    await page.locator('ion-toast').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.getByText('6 recipes').waitFor();
  });

  it('keeps a shopping list', async () => {
    const { page } = kitchen;
    await go(page, 'Shopping list');
    await page.getByText('Nothing to buy').waitFor();
    for (const name of ['Flour, 1 kg', 'Eggs', 'Basil']) {
      await page.getByLabel('New item').fill(name);
      await page.keyboard.press('Enter');
      await page.getByText(name).waitFor();
    }
    await page.getByRole('checkbox', { name: 'Eggs' }).click();
    await button(page, 'Remove 1 done').waitFor();
    await shot(page, 'shopping');
  });

  it('starts a listener with TLS and a password, and shows where it can be reached', async () => {
    const { page } = kitchen;
    await go(page, 'Share this device');
    await page.getByText('The password needs at least 4 characters.').waitFor();
    await shot(page, 'share-off');
    await page.locator('#start[disabled]').waitFor();
    await page.getByLabel('Password').fill('basil');
    await button(page, 'Start sharing').click();
    await page.getByText('This device is shared. Nobody is connected.').waitFor();
    const addresses = await page.locator('.addresses code').allTextContents();
    expect(addresses.every((url) => url.startsWith('wss://') && url.endsWith('/recipes'))).toBe(
      true,
    );
    address = addresses[0].replace(/\/\/[^/]+:(\d+)\//, '//127.0.0.1:$1/');
    await page.locator('ion-input[label=Password][disabled]').waitFor();
  });

  it('says why it could not connect: a wrong password', async () => {
    const { page } = study;
    await go(page, 'Sync with a device');
    await page.getByText('Not syncing yet').waitFor();
    await shot(page, 'sync-none');
    await page.getByLabel('Address').fill('somewhere');
    await page.getByText('The address looks like').waitFor();
    await page.getByLabel('Address').fill(address);
    await page.getByLabel('Password').fill('parsley');
    await button(page, 'Connect').click();
    await page.getByText('The other device refused the password.').waitFor();
    await shot(page, 'sync-refused');
    await page.getByRole('button', { name: /Remove the sync/ }).click();
    await page.getByText('Not syncing yet').waitFor();
    await go(kitchen.page, 'Devices');
    await kitchen.page.getByText('No device has asked yet').waitFor();
  });

  it('asks its user before the first sync of a new device, then syncs', async () => {
    const { page } = study;
    await page.getByLabel('Password').fill('basil');
    await button(page, 'Connect').click();
    const question = kitchen.page.getByRole('alertdialog');
    await question.getByText('Let “Study” sync?').waitFor();
    await shot(kitchen.page, 'device-asks');
    await question.getByRole('button', { name: 'Allow' }).click();
    await page.locator('.sync[data-state=idle]').waitFor();
    await shot(page, 'sync');
    await go(page, 'Recipes');
    await page.getByText('6 recipes').waitFor();
    await tile(page, 'Pancakes').locator('img').waitFor();
    await shot(page, 'recipes-dark');
    await go(kitchen.page, 'Share this device');
    await kitchen.page.getByText(/1 device is connected/).waitFor();
    await kitchen.page.getByText(/kB received/).waitFor();
    await shot(kitchen.page, 'share-on');
    await go(kitchen.page, 'Devices');
    await kitchen.page.getByText('Study').waitFor();
    await shot(kitchen.page, 'devices');
  });

  it('ends the connection of a device that its user sends away', async () => {
    await go(kitchen.page, 'Share this device');
    await button(kitchen.page, 'Disconnect Study').click();
    await go(study.page, 'Sync with a device');
    await study.page.locator('.sync[data-state=failed]').waitFor();
    await go(kitchen.page, 'Devices');
    await button(kitchen.page, 'Block Study').click();
    await button(study.page, 'Try again').click();
    await study.page.getByText('has not let this one in').waitFor();
    await button(kitchen.page, 'Allow Study').click();
    await button(study.page, 'Try again').click();
    await study.page.locator('.sync[data-state=idle]').waitFor();
  });

  it('shows on one device what is edited on the other', async () => {
    await go(kitchen.page, 'Recipes');
    await go(study.page, 'Recipes');
    await tile(study.page, 'Apple crumble').click();
    await study.page.getByLabel('Name', { exact: true }).fill('Apple and pear crumble');
    await button(study.page, 'Save').click();
    await tile(kitchen.page, 'Apple and pear crumble').waitFor();
    await tile(kitchen.page, 'Apple and pear crumble').getByText('by Study').waitFor();
    await go(kitchen.page, 'Shopping list');
    await go(study.page, 'Shopping list');
    await study.page.getByRole('checkbox', { name: 'Basil' }).click();
    await button(kitchen.page, 'Remove 2 done').waitFor();
  });

  it('warns of an edit that overtook one’s own, and lets choose', async () => {
    await go(kitchen.page, 'Recipes');
    await go(study.page, 'Recipes');
    await tile(kitchen.page, 'Mushroom risotto').click();
    await kitchen.page.getByRole('textbox', { name: 'Notes' }).fill('More parmesan.');
    await tile(study.page, 'Mushroom risotto').click();
    await study.page.getByLabel('Name', { exact: true }).fill('Porcini risotto');
    await button(study.page, 'Save').click();
    await kitchen.page.getByText('Another device has changed this recipe').waitFor();
    await shot(kitchen.page, 'recipe-overtaken');
    await button(kitchen.page, 'Load theirs').click();
    await kitchen.page.getByRole('heading', { name: 'Porcini risotto' }).waitFor();
    await kitchen.page.keyboard.press('Escape');
  });

  it('deletes on every device, after asking', async () => {
    await tile(study.page, 'Green beans').click();
    await button(study.page, 'Delete this recipe').click();
    await study.page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await kitchen.page.getByText('5 recipes').waitFor();
    await study.page.getByText('5 recipes').waitFor();
  });

  it('goes on by itself after the other device was away, and says when it is offline', async () => {
    await go(kitchen.page, 'Share this device');
    const port = /:(\d+)\//.exec(address)?.[1] as string;
    await button(kitchen.page, 'Stop sharing').click();
    await button(kitchen.page, 'Start sharing').waitFor();
    await go(study.page, 'Sync with a device');
    await study.page.locator('.sync[data-state=waiting]').waitFor();
    await study.context.setOffline(true);
    await study.page.getByText('This computer is offline.').waitFor();
    await shot(study.page, 'sync-offline');
    await study.context.setOffline(false);
    await kitchen.page.getByLabel('Port').fill(port);
    await button(kitchen.page, 'Start sharing').click();
    await study.page.locator('.sync[data-state=idle]').waitFor();
  });

  it('looks for devices nearby, and stops', async () => {
    const { page } = study;
    await go(page, 'Sync with a device');
    await button(page, 'Look for devices').click();
    await page.getByText('nobody has answered yet').waitFor();
    await shot(page, 'sync-looking');
    await button(page, 'Stop looking').click();
    await button(page, 'Look for devices').waitFor();
  });

  it('says why it cannot share: the port is taken', async () => {
    const port = /:(\d+)\//.exec(address)?.[1] as string;
    await go(study.page, 'Share this device');
    await study.page.getByLabel('Password').fill('thyme');
    await study.page.getByLabel('Port').fill(port);
    await button(study.page, 'Start sharing').click();
    await study.page.getByText('Sharing did not start').waitFor();
    await shot(study.page, 'share-failed');
  });

  it('has settings, and dark and light looks', async () => {
    const { page } = kitchen;
    await go(page, 'Settings');
    await page.locator('.path').getByText('recipes.cblite2').waitFor();
    await shot(page, 'settings');
    await page.locator('ion-segment-button', { hasText: 'Dark' }).click();
    await page.locator('html.ion-palette-dark').waitFor();
    await page.locator('ion-segment-button', { hasText: 'As the system' }).click();
    await page.locator('html:not(.ion-palette-dark)').waitFor();
  });

  it('fits a narrow window', async () => {
    const { page } = kitchen;
    await page.setViewportSize({ width: 390, height: 780 });
    await page.getByRole('button', { name: 'Open the menu' }).click();
    await go(page, 'Recipes');
    await page.getByText('5 recipes').waitFor();
    await shot(page, 'recipes-narrow');
    const { scrolls } = await page.evaluate(() => ({
      scrolls: (globalThis as any).document.documentElement.scrollWidth > 390,
    }));
    expect(scrolls).toBe(false);
    await page.setViewportSize({ width: 1060, height: 780 });
  });

  it('has no serious accessibility issue on any screen, light or dark', async () => {
    for (const { page } of [kitchen, study]) {
      for (const place of [
        ...['Recipes', 'Shopping list', 'Share this device', 'Sync with a device'],
        ...['Devices', 'Settings'],
      ]) {
        await go(page, place);
        expect(await seriousIssues(page, place)).toEqual([]);
      }
      await go(page, 'Recipes');
      await tile(page, 'Pancakes').click();
      await page.getByLabel('Minutes', { exact: true }).waitFor();
      expect(await seriousIssues(page, 'a recipe')).toEqual([]);
      await page.keyboard.press('Escape');
    }
  });

  it('lists in its README every screen that it has', () => {
    const text = readFileSync(join(found.example, 'README.md'), 'utf8');
    for (const screen of [
      ...['Recipes', 'Recipe', 'Shopping list', 'Share this device', 'Sync with a device'],
      ...['Devices', 'Settings'],
    ]) {
      expect(text).toMatch(new RegExp(`^\\| \\*\\*${screen}\\*\\* \\|`, 'm'));
    }
  });
}
