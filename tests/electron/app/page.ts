/** The page of the test application: bundled for the browser, it has the package and nothing else. */

import * as api from 'settee';
import { decode, encode } from '../support/codec';

/** Marks the lines of the console that are meant for the test. */
const MARK = '@settee ';

const say = (message: object) => console.debug(MARK + JSON.stringify(message));

/** Calls one engine function and says the outcome, in order with what its callback is told. */
function call(id: number, name: string, args: unknown, callback: boolean): void {
  const token = (args as { changeListenerToken?: string } | null)?.changeListenerToken;
  const told = (data: unknown, error?: unknown) => say({ token, data: encode(data), error });
  const functions = api.engine as unknown as Record<
    string,
    (...all: unknown[]) => Promise<unknown>
  >;
  const given = [decode(args), ...(callback ? [told] : [])];
  functions[name](...given).then(
    (value) => say({ id, value: encode(value) }),
    (error) => say({ id, error: { ...error, message: error.message } }),
  );
}

Object.assign(globalThis, { api, call });
