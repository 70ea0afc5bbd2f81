/** Stands in a page for the preload script: the same object, over functions of the test. */

import type { Entry } from '../../../js/electron/protocol';
import { decode, encode } from '../../electron/support/codec';

const ACKNOWLEDGE_EVERY = 16;

const page: any = globalThis;
const id = String(Math.random()).slice(2);
const early: Entry[][] = [];
let receive = (entries: Entry[]): void => {
  early.push(entries);
};

const send = (message: unknown) => page.setteeSend(id, JSON.stringify(encode(message)));

/** Messages by number, as far as one before them has not come yet. */
const held = new Map<number, Entry[]>();
let next = 1;

page.setteeReceive = (to: string, number: number, text: string) => {
  const entries: Entry[] = decode(JSON.parse(text));
  if (to !== id || entries.length === 0) {
    return;
  }
  if (number === 0) {
    receive(entries);
    return;
  }
  held.set(number, entries);
  for (let ready = held.get(next); ready !== undefined; ready = held.get(next)) {
    held.delete(next);
    receive(ready);
    if (next % ACKNOWLEDGE_EVERY === 0) {
      send(next);
    }
    next += 1;
  }
};

page.settee = {
  version: 1,
  post: send,
  listen: (callback: (entries: Entry[]) => void) => {
    receive = callback;
    for (const entries of early.splice(0)) {
      callback(entries);
    }
  },
};

send(0);
