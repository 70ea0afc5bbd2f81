/** Functions of the engine in a form for our own classes. */

import { direct } from '../js/engine/direct';
import { createLazyEngine } from '../js/engine/lazy-engine';

describe.each(['collection_Save', 'query_Execute'] as const)('the direct form of %s', (name) => {
  const form = (engine: any) => direct(engine, name) as ((args: object) => unknown) | undefined;

  it('belongs to the function: another one in its place gets every call', () => {
    const engine: any = createLazyEngine(() => {
      throw new Error('must not load');
    });
    expect(form(engine)).toBeDefined();
    engine[name] = async () => ({});
    expect(form(engine)).toBeUndefined();
  });

  it('rejects when the engine cannot load, and is none when the engine has none', async () => {
    const broken = createLazyEngine(() => {
      throw new Error('no addon for this platform');
    });
    await expect(form(broken)?.({})).rejects.toThrow('no addon');
    const plain = createLazyEngine(() => ({ [name]: async () => ({}) }) as any);
    expect(form(plain)?.({})).toBeUndefined();
  });
});
