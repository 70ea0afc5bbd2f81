import { uuid } from '../util/uuid';
import type { SetteeEngine } from './core-engine';
import { type DirectForms, direct, offerDirect } from './direct';
import { ENGINE_FUNCTION_NAMES } from './engine-functions';

/** Argument of `plugin_Configure`. */
export interface PluginConfigureArgs {
  config: any;
}

/** The engine as the Ionic plugin's global object shows it. */
export interface IonicCouchbaseLitePlugin extends SetteeEngine {
  /** Does nothing on a desktop. */
  plugin_Configure(args: PluginConfigureArgs): Promise<void>;
}

type AnyFunction = (...args: unknown[]) => Promise<unknown>;

/**
 * An engine that loads the real one with its first call.
 *
 * A plain object with own function properties, so that it can be handed to the real `cbl-ionic`
 * and through Electron's context bridge. A load failure rejects the call. UUIDs need no engine.
 */
export function createLazyEngine(load: () => SetteeEngine): IonicCouchbaseLitePlugin {
  let loaded: SetteeEngine | undefined;
  let debugConsole = false;
  let platform = defaultPlatform();

  const engine = (): SetteeEngine => {
    if (loaded === undefined) {
      loaded = load();
      loaded.debugConsole = debugConsole;
    }
    return loaded;
  };

  const target: Record<string, unknown> = {
    getUUID: uuid,
    plugin_Configure: () => Promise.resolve(),
  };
  for (const name of ENGINE_FUNCTION_NAMES) {
    let call: AnyFunction | undefined;
    target[name] = (...args: unknown[]): Promise<unknown> => {
      if (call === undefined) {
        try {
          const real = engine();
          call = (real[name] as AnyFunction).bind(real);
        } catch (error) {
          return Promise.reject(error);
        }
      }
      return call(...args);
    };
  }
  const forwardDirect = <Name extends keyof DirectForms>(name: Name): void => {
    const form = (args: never): unknown => {
      try {
        return (direct(engine(), name) as ((args: never) => unknown) | undefined)?.(args);
      } catch (error) {
        return Promise.reject(error);
      }
    };
    offerDirect(target as unknown as SetteeEngine, name, form as DirectForms[Name]);
  };
  forwardDirect('collection_Save');
  forwardDirect('query_Execute');
  Object.defineProperties(target, {
    debugConsole: {
      enumerable: true,
      get: () => debugConsole,
      set: (value: boolean) => {
        debugConsole = value;
        if (loaded !== undefined) {
          loaded.debugConsole = value;
        }
      },
    },
    platform: {
      enumerable: true,
      get: () => platform,
      set: (value: string) => {
        platform = value;
      },
    },
  });
  return target as unknown as IonicCouchbaseLitePlugin;
}

function defaultPlatform(): string {
  const host = (globalThis as { process?: { versions?: Record<string, string> } }).process;
  return host?.versions?.electron === undefined ? 'node' : 'electron';
}
