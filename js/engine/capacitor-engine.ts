import type { SetteeEngine } from './core-engine';
import { ENGINE_FUNCTION_NAMES } from './engine-functions';
import { EngineLocator } from './engine-locator';
import type { PluginConfigureArgs } from './lazy-engine';
import { engine } from './settee-engine';

/**
 * The engine under the name that Ionic applications construct.
 *
 * The constructor registers the instance as the default engine. All instances share one native
 * state, so it may be constructed any number of times, also on every render (api §1.1).
 *
 * @example
 * const engine = new CapacitorEngine();
 * const database = new Database('travel', new DatabaseConfiguration());
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the functions are added from the list below
export class CapacitorEngine {
  constructor() {
    EngineLocator.registerEngine(EngineLocator.key, this);
  }

  get debugConsole(): boolean {
    return engine.debugConsole;
  }

  set debugConsole(value: boolean) {
    engine.debugConsole = value;
  }

  get platform(): string {
    return engine.platform;
  }

  set platform(value: string) {
    engine.platform = value;
  }

  getUUID(): string {
    return engine.getUUID();
  }

  /** Exists for compatibility; a desktop has nothing to configure. */
  plugin_Configure(args: PluginConfigureArgs): Promise<void> {
    return engine.plugin_Configure(args);
  }
}

export interface CapacitorEngine extends SetteeEngine {}

for (const name of ENGINE_FUNCTION_NAMES) {
  Object.defineProperty(CapacitorEngine.prototype, name, {
    value: engine[name],
    writable: true,
    configurable: true,
  });
}

/** The same engine under the name that React Native applications construct. */
export const CblReactNativeEngine = CapacitorEngine;
export type CblReactNativeEngine = CapacitorEngine;
