/**
 * What crosses between a window and the main process.
 *
 * A page sends arrays of calls, the main process messages of entries. Messages are numbered, for
 * some travel as replies to calls and some by themselves: the preload script puts them in order.
 * Everything is plain data; callbacks stay in the page, known by token.
 *
 * ```
 *   page            preload (isolated)               main process
 *   Call[]  ──────► invoke [page id, Call[]] ──────► PageSession ──► engine
 *   Entry[] ◄────── 1. as the reply: [n, Entry[]] ◄──     │  owns what this page opened
 *           ◄────── 2. [page id, n, Entry[]]      ◄──     │
 *                   acknowledges every 16th n    ──► at most 64 unacknowledged
 * ```
 */

/** The one IPC channel; `electron/preload.js` repeats it. */
export const CHANNEL = 'settee';

/** Where the preload script puts its object in a page. */
export const GLOBAL = 'settee';

/** Kinds of entries on their way to a page. */
export enum Kind {
  /** `[0, call id, value]`: a promise resolves with plain data. */
  Value = 0,
  /** `[1, call id, JSON text]`: it resolves with what the text says. */
  Text = 1,
  /** `[2, call id, {message, domain, code}]`: it rejects. */
  Failure = 2,
  /** `[3, token, value, error?]`: an event for a callback. */
  Event = 3,
  /** `[4, token, JSON text]`: likewise. */
  EventText = 4,
}

/** `[id, function name, arguments, takes a callback]`. */
export type Call = [id: number, name: string, args: unknown, callback?: boolean];

export type Entry = [kind: Kind, key: number | string, value?: unknown, error?: unknown];

/** Number and entries; what has number 0 stands outside of the order. */
export type Message = [number: number, entries: Entry[]];

/** Longest id of a page. */
export const PAGE_ID_LENGTH = 64;

/** Pages of a window that have gone and are remembered, so that late messages are told apart. */
export const PAGES_REMEMBERED = 16;

/** Calls that a page sends at once; more go in several messages. */
export const CALLS_A_MESSAGE = 256;

/** Calls of a page that wait for an answer; the page keeps the rest back. */
export const CALLS_IN_FLIGHT = 4096;

/** Calls of a page that the main process takes on; a page of ours never sends so many. */
export const CALLS_ACCEPTED = 2 * CALLS_IN_FLIGHT;

/** Messages to a page that it has not acknowledged; then entries wait in the main process. */
export const MESSAGES_UNSEEN = 64;

/** Entries that one message to a page carries at most. */
export const ENTRIES_A_MESSAGE = 1024;

/** Events that wait for a page at most; a subscription of a page that is slower than that ends. */
export const EVENTS_WAITING = 10_000;

/** Longest token that a page may choose, characters. */
export const TOKEN_LENGTH = 1024;

/** What the preload script exposes to the page. */
export interface EngineBridge {
  /** Version of this protocol. */
  version: number;
  /** Sends calls to the main process. */
  post(calls: Call[]): void;
  /** Names the function that takes entries. */
  listen(receive: (entries: Entry[]) => void): void;
}
