/**
 * `it` when the machine has what a test needs, otherwise a skip that says what was missing.
 *
 * `npm test` lists the reasons at its end.
 */
export function needs(condition: boolean, reason: string) {
  return (title: string, body: () => unknown, timeout?: number): void => {
    if (condition) {
      it(title, body as jest.ProvidesCallback, timeout);
    } else {
      it.skip(`${title} [skipped: ${reason}]`, body as jest.ProvidesCallback, timeout);
    }
  };
}
