import {
  EngineLocator,
  engine,
  type ICoreEngine,
  IonicCouchbaseLite,
  registerEngineIn,
} from 'settee';

const REGISTRY = Symbol.for('settee.EngineLocator.engines');

function registry(): Map<string, ICoreEngine> {
  return (globalThis as any)[REGISTRY];
}

describe('EngineLocator', () => {
  it('looks under the key default', () => {
    expect(EngineLocator.key).toBe('default');
  });

  it('is a singleton without members', () => {
    const instance = EngineLocator.getInstance();
    expect(instance).toBe(EngineLocator.getInstance());
    expect(instance).toBeInstanceOf(EngineLocator);
    expect(Object.keys(instance)).toEqual([]);
  });

  it('gives undefined for an unknown key', () => {
    expect(EngineLocator.getEngine('nobody')).toBeUndefined();
  });

  it('replaces what is under a key', () => {
    const first = { platform: 'first' } as ICoreEngine;
    const second = { platform: 'second' } as ICoreEngine;
    EngineLocator.registerEngine('mine', first);
    EngineLocator.registerEngine('mine', second);
    expect(EngineLocator.getEngine('mine')).toBe(second);
  });

  it('creates and registers the default engine when none is', () => {
    EngineLocator.getEngine('default');
    registry().delete('default');
    expect(EngineLocator.getEngine('default')).toBe(engine);
    expect(registry().get('default')).toBe(engine);
  });

  it('shares its engines between two copies of the package', () => {
    const mine = { platform: 'shared' } as ICoreEngine;
    EngineLocator.registerEngine('shared', mine);
    jest.isolateModules(() => {
      const copy = require('settee') as typeof import('settee');
      expect(copy.EngineLocator).not.toBe(EngineLocator);
      expect(copy.EngineLocator.getEngine('shared')).toBe(mine);
    });
  });
});

describe('the engine object', () => {
  it('has every function as its own property, and is what Ionic calls IonicCouchbaseLite', () => {
    expect(engine).toBe(IonicCouchbaseLite);
    expect(Object.getPrototypeOf(engine)).toBe(Object.prototype);
    expect(typeof engine.collection_Save).toBe('function');
    expect(Object.keys(engine)).toEqual(
      expect.arrayContaining(['database_Open', 'replicator_Start', 'getUUID', 'plugin_Configure']),
    );
  });

  it('makes UUIDs of version 4 without loading anything', () => {
    const made = new Set(Array.from({ length: 1000 }, () => engine.getUUID()));
    expect(made.size).toBe(1000);
    for (const text of made) {
      expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('has a platform that applications may set', () => {
    expect(engine.platform).toBe('node');
    engine.platform = 'ios';
    expect(engine.platform).toBe('ios');
    engine.platform = 'node';
  });

  it('configures nothing', async () => {
    await expect(engine.plugin_Configure({ config: {} })).resolves.toBeUndefined();
  });

  it('can be given to the EngineLocator of another package', () => {
    const foreign = { key: 'default', registerEngine: jest.fn() };
    expect(registerEngineIn(foreign)).toBe(engine);
    expect(foreign.registerEngine).toHaveBeenCalledWith('default', engine);
  });
});
