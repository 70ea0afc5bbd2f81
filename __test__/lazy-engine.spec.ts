import { ENGINE_FUNCTION_NAMES, ENGINE_FUNCTIONS } from '../js/engine/engine-functions';
import { createLazyEngine } from '../js/engine/lazy-engine';

describe('the list of engine functions', () => {
  it('has the 66 asynchronous functions of the reference', () => {
    const reference = ENGINE_FUNCTION_NAMES.filter((name) => !ENGINE_FUNCTIONS[name].extra);
    expect(reference).toHaveLength(66);
  });
});

describe('the lazy engine', () => {
  it('loads once, with the first call', async () => {
    const real: any = {
      database_Open: jest.fn(async function (this: unknown) {
        return this === real;
      }),
    };
    const load = jest.fn(() => real);
    const engine = createLazyEngine(load);
    engine.debugConsole = true;
    expect(load).not.toHaveBeenCalled();
    const args = { name: 'x', config: null };
    await expect(engine.database_Open(args)).resolves.toBe(true);
    await engine.database_Open(args);
    expect(load).toHaveBeenCalledTimes(1);
    expect(real.database_Open).toHaveBeenCalledWith(args);
    expect(real.debugConsole).toBe(true);
    engine.debugConsole = false;
    expect(real.debugConsole).toBe(false);
  });

  it('rejects a call when loading fails, and tries again with the next', async () => {
    const engine = createLazyEngine(() => {
      throw new Error('no addon for this platform');
    });
    await expect(engine.file_GetDefaultPath()).rejects.toThrow('no addon for this platform');
    await expect(engine.file_GetDefaultPath()).rejects.toThrow('no addon for this platform');
  });

  it('passes callbacks', async () => {
    const real: any = { query_AddChangeListener: jest.fn(async () => undefined) };
    const engine = createLazyEngine(() => real);
    const callback = () => undefined;
    await engine.query_AddChangeListener({} as any, callback);
    expect(real.query_AddChangeListener).toHaveBeenCalledWith({}, callback);
  });
});
