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

page.setteeReceive = (to: string, number: number, text: string) => {
  if (to === id) {
    receive(decode(JSON.parse(text)));
    if (number % ACKNOWLEDGE_EVERY === 0) {
      send(number);
    }
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
