import type {
  ListenerCertificateCallback,
  ListenerPasswordCallback,
  URLEndpointListenerAskingArgs,
  URLEndpointListenerCreateArgs,
  URLEndpointListenerEngineArgs,
} from '../engine/arguments';
import type { ICoreEngine, SetteeEngine } from '../engine/core-engine';
import { answering } from '../engine/questions';
import type { ListenerCallback } from '../engine/results';
import { ErrorCode, liteException } from './couchbase-lite-exception';
import type { AnyAuthenticatorConfig } from './listener-authenticators';
import { newToken } from './subscriptions';
import { certificatesFrom, certificateText } from './tls-certificate';

/** What the engine is given in place of functions that decide. */
export interface Asking {
  args: URLEndpointListenerAskingArgs;
  callback: ListenerCallback;
}

/** Arguments for the engine, and the callback that answers its questions if there are any. */
export type Prepared = Asking | { args: URLEndpointListenerEngineArgs; callback?: undefined };

/** A function that decides, and how it is called for a failure's message. */
interface Deciders {
  password?: ListenerPasswordCallback;
  certificate?: ListenerCertificateCallback;
  request?: NonNullable<URLEndpointListenerCreateArgs['requestAuthorizer']>;
}

/**
 * Turns the functions of a listener's arguments into questions of the engine.
 *
 * Throws for `authenticate` beside `data` and for neither, and for what the engine does not know.
 */
export function prepareArgs(
  engine: ICoreEngine,
  given: Omit<URLEndpointListenerCreateArgs, 'authenticator' | 'tlsIdentity'>,
): Prepared {
  const { authenticatorConfig, requestAuthorizer, ...rest } = given ?? {};
  const deciders: Deciders = {};
  const config = isNothing(authenticatorConfig)
    ? authenticatorConfig
    : plainConfig(authenticatorConfig as AnyAuthenticatorConfig, deciders);
  if (!isNothing(requestAuthorizer)) {
    if (typeof requestAuthorizer !== 'function') {
      throw invalid('requestAuthorizer must be a function');
    }
    deciders.request = requestAuthorizer;
  }
  const args = { ...rest, ...(isNothing(config) ? {} : { authenticatorConfig: config }) };
  const settee = engine as SetteeEngine;
  const isSettee = typeof settee.callback_Answer === 'function';
  for (const [name, isGiven] of [
    ['requestAuthorizer', deciders.request],
    ['authenticatorConfig.authenticate', deciders.password ?? deciders.certificate],
    ['a certificate authenticator', args.authenticatorConfig?.type === 'certificate'],
    ['readOnly', args.readOnly],
    ['a stored TLS identity', (args.tlsIdentityConfig as any)?.mode === 'stored'],
  ] as const) {
    // Another engine would ignore it, and do what was not to be done.
    if (isGiven && !isSettee) {
      throw liteException(ErrorCode.Unsupported, `${name} is not supported by this engine`);
    }
  }
  if (Object.keys(deciders).length === 0) {
    return { args: config === authenticatorConfig ? (given as typeof args) : args };
  }
  return {
    args: {
      ...args,
      ...(deciders.request ? { requestAuthorizer: true as const } : {}),
      changeListenerToken: newToken(engine),
    },
    callback: answering(settee, (data) => answer(deciders, data)),
  };
}

/** A config without functions and objects; whoever decides is put into `deciders`. */
function plainConfig(config: AnyAuthenticatorConfig, deciders: Deciders): any {
  const { type, data, authenticate } = config;
  if (isNothing(data) === isNothing(authenticate)) {
    throw invalid('authenticatorConfig needs either data or authenticate');
  }
  if (isNothing(authenticate)) {
    const roots = (data as { rootCertificates?: unknown }).rootCertificates;
    return type === 'certificate' && Array.isArray(roots)
      ? { type, data: { rootCertificates: roots.map(certificateText) } }
      : config;
  }
  if (typeof authenticate !== 'function') {
    throw invalid('authenticatorConfig.authenticate must be a function');
  }
  if (type === 'certificate') {
    deciders.certificate = config as ListenerCertificateCallback;
  } else {
    deciders.password = config as ListenerPasswordCallback;
  }
  return { type, ask: true };
}

/** Only `true` lets anybody do anything. */
async function answer({ password, certificate, request }: Deciders, data: any): Promise<boolean> {
  if (data.request !== undefined) {
    return decide('requestAuthorizer', () => request?.(data.request));
  }
  if (data.certificates !== undefined) {
    const chain = certificatesFrom(data.certificates);
    return decide('authenticate', () => certificate?.authenticate(chain, data.verifiedDepth));
  }
  return decide('authenticate', () => password?.authenticate(data.username, data.password));
}

async function decide(name: string, ask: () => unknown): Promise<boolean> {
  try {
    return (await ask()) === true;
  } catch (error) {
    console.error(`settee: ${name} failed, a client is refused: ${place(error)}`);
    throw new Error(`${name} failed`);
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
