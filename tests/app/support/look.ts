import { mkdirSync, readFileSync } from 'fs';
import { join } from 'path';
import type { Page } from 'playwright-core';

const ROOT = join(__dirname, '..', '..', '..');
const SCREENSHOTS = join(ROOT, 'docs', 'screenshots');
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Keeps a picture of the page for the documents, when SETTEE_SCREENSHOTS is set. */
export async function shot(page: Page, name: string): Promise<void> {
  if (process.env.SETTEE_SCREENSHOTS) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.waitForTimeout(400);
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled' });
  }
}

/** What axe finds serious or critical, one line each. */
export async function seriousIssues(page: Page, where: string): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => (globalThis as any).axe.run());
  return violations
    .filter(({ impact }: any) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }: any) =>
      nodes.map(
        ({ html, failureSummary }: any) => `${where}: ${id}: ${help}: ${html} ${failureSummary}`,
      ),
    );
}
