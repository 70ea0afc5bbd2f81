import { EngineLocator, type ICoreEngine, type ListenerCallback } from 'settee';

/** One call that a class made on the engine. */
export interface Call {
  name: string;
  args: any;
}

type Reply = (args: any, callback: ListenerCallback) => unknown;

/**
 * An engine that records calls and answers by script.
 *
 * Only for tests of what the classes send and do with answers; what an engine does is tested on the
 * real one. A function without a script resolves with nothing. Callbacks are kept by token.
 */
export class FakeEngine {
  readonly calls: Call[] = [];
  readonly callbacks = new Map<string, ListenerCallback>();
  private uuids = 0;

  constructor(private readonly replies: Record<string, Reply> = {}) {}

  /** Registers a fake as the default engine. */
  static register(replies: Record<string, Reply> = {}): FakeEngine {
    const fake = new FakeEngine(replies);
    EngineLocator.registerEngine(EngineLocator.key, fake.engine());
    return fake;
  }

  /** Puts the real engine back. */
  static unregister(real: ICoreEngine): void {
    EngineLocator.registerEngine(EngineLocator.key, real);
  }

  /** Changes the answer of one function. */
  on(name: string, reply: Reply): this {
    this.replies[name] = reply;
    return this;
  }

  /** The arguments of the last call of a function. */
  last(name: string): any {
    const calls = this.calls.filter((call) => call.name === name);
    return calls.length === 0 ? undefined : calls[calls.length - 1].args;
  }

  names(): string[] {
    return this.calls.map((call) => call.name);
  }

  engine(): ICoreEngine {
    const target: Record<string, unknown> = {
      debugConsole: false,
      platform: 'fake',
      getUUID: () => `uuid-${++this.uuids}`,
    };
    return new Proxy(target, {
      get: (object, key) => {
        if (typeof key !== 'string' || key in object || key === 'then') {
          return object[key as string];
        }
        return (args: any, callback: ListenerCallback) => this.call(key, args, callback);
      },
    }) as unknown as ICoreEngine;
  }

  private call(name: string, args: any, callback: ListenerCallback): Promise<unknown> {
    this.calls.push({ name, args });
    if (callback !== undefined) {
      this.callbacks.set(args.changeListenerToken, callback);
    }
    const reply = this.replies[name];
    return new Promise((resolve) => resolve(reply?.(args, callback)));
  }
}
