import type { ICoreEngine, ListenerCallback, SetteeEngine } from 'settee';
import { MessageChannel, type MessagePort } from 'worker_threads';
import { ENGINE_FUNCTION_NAMES, ENGINE_FUNCTIONS } from '../../js/engine/engine-functions';
import { uuid } from '../../js/util/uuid';

/** A call on its way to the engine; a callback stays behind, known by its token. */
interface Request {
  id: number;
  name: string;
  args: unknown;
  token?: string;
}

type Reply =
  | { id: number; value: unknown }
  | { id: number; error: object }
  | { token: string; data: unknown; error?: unknown };

/**
 * An engine on the other side of a message channel.
 *
 * Nothing crosses but what structured clone can carry: this is what Electron's IPC does to an
 * engine (api §20).
 */
export function channelEngine(real: ICoreEngine): { engine: SetteeEngine; close(): void } {
  const { port1, port2 } = new MessageChannel();
  serve(real, port1);
  const engine = connect(port2);
  return {
    engine,
    close: () => {
      port1.close();
      port2.close();
    },
  };
}

function serve(real: ICoreEngine, port: MessagePort): void {
  const functions = real as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  port.on('message', ({ id, name, args, token }: Request) => {
    const callback: ListenerCallback = (data, error) => port.postMessage({ token, data, error });
    functions[name](args, token === undefined ? undefined : callback).then(
      (value) => port.postMessage({ id, value }),
      ({ message, domain, code }) => port.postMessage({ id, error: { message, domain, code } }),
    );
  });
}

function connect(port: MessagePort): SetteeEngine {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const callbacks = new Map<string, ListenerCallback>();
  let last = 0;

  port.on('message', (reply: Reply) => {
    if ('token' in reply) {
      callbacks.get(reply.token)?.(reply.data as any, reply.error as any);
      return;
    }
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) {
      const { message } = reply.error as Error;
      const error = Object.assign(new Error(message), reply.error, { errorMessage: message });
      Object.defineProperty(error, 'message', { enumerable: true });
      call?.reject(error);
    } else {
      call?.resolve(reply.value);
    }
  });

  const engine: Record<string, unknown> = { debugConsole: false, platform: 'node', getUUID: uuid };
  for (const name of ENGINE_FUNCTION_NAMES) {
    engine[name] = (args: any, callback?: ListenerCallback) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        const token = ENGINE_FUNCTIONS[name].callback ? args?.changeListenerToken : undefined;
        if (token !== undefined && callback !== undefined) {
          callbacks.set(token, callback);
        }
        waiting.set(id, { resolve, reject });
        try {
          port.postMessage({ id, name, args, token });
        } catch (error) {
          waiting.delete(id);
          reject(error as Error);
        }
      });
  }
  return engine as unknown as SetteeEngine;
}
