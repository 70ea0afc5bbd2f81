import type { ICoreEngine, SetteeEngine } from './core-engine';
import { setDefaultEngine } from './engine-locator';
import { createLazyEngine, type IonicCouchbaseLitePlugin } from './lazy-engine';

/**
 * Settee's engine, ready to be registered anywhere. The addon loads with the first call.
 *
 * There is one per process however many copies of it exist: databases, replicators and listeners
 * live in the addon.
 */
export const engine: IonicCouchbaseLitePlugin = createLazyEngine(loadNativeEngine);

setDefaultEngine(() => engine);

/** Same object as {@link engine}, under the name that `cbl-ionic` gives to its plugin. */
export const IonicCouchbaseLite: IonicCouchbaseLitePlugin = engine;

/** A registry of engines in another package, such as `EngineLocator` of the real `cbl-ionic`. */
export interface ForeignEngineLocator {
  key: string;
  registerEngine(key: string, service: any): void;
}

/**
 * Gives settee's engine to the classes of another package.
 *
 * That package must not construct its own engine afterwards, because its constructor registers
 * itself (api §3.1).
 *
 * @example
 * import { EngineLocator } from 'cbl-ionic';
 * import { registerEngineIn } from 'settee';
 * registerEngineIn(EngineLocator);
 */
export function registerEngineIn(locator: ForeignEngineLocator): ICoreEngine {
  locator.registerEngine(locator.key, engine);
  return engine;
}

function loadNativeEngine(): SetteeEngine {
  // A plain require: importing the package must not load the addon.
  const native = require('../native/native-engine') as { nativeEngine(): SetteeEngine };
  return native.nativeEngine();
}
