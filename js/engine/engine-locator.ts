import type { ICoreEngine } from './core-engine';

/** Where the engines of a process are kept; shared by every loaded copy of the package. */
const REGISTRY = Symbol.for('settee.EngineLocator.engines');

type Registry = Map<string, ICoreEngine>;

let makeDefault: (() => ICoreEngine) | undefined;
let instance: EngineLocator | undefined;

/**
 * Registry of engines, from which every class takes the one it talks to.
 *
 * Asking for the default engine when none is registered creates and registers settee's own. The
 * engines themselves live outside this module, so that a CommonJS and an ES module copy of the
 * package share them. Source: api §3.1, §1.1.
 *
 * @example
 * EngineLocator.registerEngine(EngineLocator.key, myEngine);
 */
export class EngineLocator {
  /** Key under which the classes look. */
  static readonly key: string = 'default';

  private constructor() {}

  static getInstance(): EngineLocator {
    if (instance === undefined) {
      instance = new EngineLocator();
    }
    return instance;
  }

  /** Puts `service` under `key`, replacing what is there. */
  static registerEngine(key: string, service: ICoreEngine): void {
    registry().set(key, service);
  }

  /** The engine under `key`; `undefined` when there is none. */
  static getEngine(key: string): ICoreEngine {
    const engines = registry();
    const engine = engines.get(key);
    if (engine === undefined && key === EngineLocator.key && makeDefault !== undefined) {
      const made = makeDefault();
      engines.set(key, made);
      return made;
    }
    return engine as ICoreEngine;
  }
}

/** Says how the default engine is made when an application never constructed one. */
export function setDefaultEngine(make: () => ICoreEngine): void {
  makeDefault = make;
}

/** The default engine, as every class looks it up (api §2.1). */
export function currentEngine(): ICoreEngine {
  return EngineLocator.getEngine(EngineLocator.key);
}

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  let engines = holder[REGISTRY];
  if (engines === undefined) {
    engines = new Map();
    Object.defineProperty(globalThis, REGISTRY, { value: engines, configurable: true });
  }
  return engines;
}
