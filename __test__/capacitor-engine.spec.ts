import { CapacitorEngine, CblReactNativeEngine, EngineLocator, engine } from 'settee';

describe('CapacitorEngine', () => {
  it('registers itself, as often as it is constructed', () => {
    const first = new CapacitorEngine();
    expect(EngineLocator.getEngine(EngineLocator.key)).toBe(first);
    const second = new CapacitorEngine();
    expect(EngineLocator.getEngine(EngineLocator.key)).toBe(second);
  });

  it('shares everything between instances', () => {
    const first = new CapacitorEngine();
    const second = new CapacitorEngine();
    expect(first.database_Open).toBe(engine.database_Open);
    expect(second.database_Open).toBe(first.database_Open);
    first.platform = 'electron';
    expect(second.platform).toBe('electron');
    first.platform = 'node';
    first.debugConsole = true;
    expect(second.debugConsole).toBe(true);
    second.debugConsole = false;
  });

  it('is cheap and carries nothing of its own', () => {
    expect(Object.keys(new CapacitorEngine())).toEqual([]);
    expect(new CapacitorEngine().getUUID()).toHaveLength(36);
  });

  it('goes by the React Native name too', () => {
    expect(CblReactNativeEngine).toBe(CapacitorEngine);
    expect(new CblReactNativeEngine()).toBeInstanceOf(CapacitorEngine);
  });

  it('accepts plugin_Configure', async () => {
    await expect(new CapacitorEngine().plugin_Configure({ config: 1 })).resolves.toBeUndefined();
  });
});
