import type {
  ListenerPasswordCallback,
  URLEndpointListenerAskingArgs,
  URLEndpointListenerCreateArgs,
} from '../engine/arguments';
import type { ICoreEngine, SetteeEngine } from '../engine/core-engine';
import { answering } from '../engine/questions';
import type { ListenerCallback } from '../engine/results';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import { newToken } from './subscriptions';

/** What the engine is given in place of a function that decides about passwords. */
export interface Asking {
  args: URLEndpointListenerAskingArgs;
  callback: ListenerCallback;
}

/**
 * The arguments of a listener whose `authenticate` is to be asked; `undefined` when it has none.
 *
 * Throws for `authenticate` beside `data` and for neither, and when the engine cannot ask: such an
 * engine would let everybody in.
 */
export function askingArgs(
  engine: ICoreEngine,
  args: URLEndpointListenerCreateArgs,
): Asking | undefined {
  const config = args?.authenticatorConfig;
  if (config === undefined || config === null) {
    return undefined;
  }
  const { type, data, authenticate } = config;
  if (isNothing(data) === isNothing(authenticate)) {
    throw invalid('authenticatorConfig needs either data or authenticate');
  }
  if (isNothing(authenticate)) {
    return undefined;
  }
  if (typeof authenticate !== 'function') {
    throw invalid('authenticatorConfig.authenticate must be a function');
  }
  const settee = engine as SetteeEngine;
  if (typeof settee.callback_Answer !== 'function') {
    throw liteException(
      ErrorCode.Unsupported,
      'authenticatorConfig.authenticate is not supported by this engine',
    );
  }
  return {
    args: {
      ...args,
      authenticatorConfig: { type, ask: true },
      changeListenerToken: newToken(engine),
    },
    callback: answering(settee, ({ username, password }) =>
      decide(config as ListenerPasswordCallback, username, password),
    ),
  };
}

async function decide(
  config: ListenerPasswordCallback,
  username: string,
  password: string,
): Promise<boolean> {
  try {
    return (await config.authenticate(username, password)) === true;
  } catch (error) {
    console.error(`settee: authenticate failed, a client is refused: ${place(error)}`);
    throw new Error('authenticate failed');
  }
}

/** Kind and place of an error. Its message stays out: it may quote the password. */
function place(error: unknown): string {
  if (!(error instanceof Error)) {
    return typeof error;
  }
  const { name, message } = error;
  const stack = String(error.stack);
  const end = message === '' ? 0 : stack.indexOf(message) + message.length;
  const frames = stack
    .slice(end)
    .split('\n')
    .filter((line) => /^ {4}at /.test(line));
  return [name, ...frames].join('\n');
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function invalid(message: string): Error {
  return liteException(ErrorCode.InvalidParameter, message);
}
