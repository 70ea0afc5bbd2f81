/** Numbers of calls stay below this, so that they are small integers here and in the addon. */
const CALL_LIMIT = 0x3fff_ffff;

/** Places at first; a power of two. */
const FIRST_SIZE = 1024;

/**
 * The calls that wait for their answer, by number.
 *
 * A ring of places instead of a map: numbers go up one by one and mostly end in that order. A
 * number whose place is still taken by a call that lasts long is left out.
 */
export class PendingCalls<T extends { readonly call: number }> {
  private places: (T | undefined)[] = new Array(FIRST_SIZE).fill(undefined);
  private mask = FIRST_SIZE - 1;
  private waiting = 0;
  private last = 0;

  /** A number for a new call, 1 or more. */
  nextCall(): number {
    if (this.waiting * 2 > this.mask) {
      this.grow();
    }
    do {
      this.last = this.last === CALL_LIMIT ? 1 : this.last + 1;
    } while (this.places[this.last & this.mask] !== undefined);
    return this.last;
  }

  /** Keeps a call whose number {@link nextCall} just gave. */
  add(pending: T): void {
    this.places[pending.call & this.mask] = pending;
    this.waiting++;
  }

  /** Takes a call out; `undefined` when it does not wait. */
  take(call: number): T | undefined {
    const place = call & this.mask;
    const found = this.places[place];
    if (found === undefined || found.call !== call) {
      return undefined;
    }
    this.places[place] = undefined;
    this.waiting--;
    return found;
  }

  /** Twice the places: numbers that differ in their lower bits still do. */
  private grow(): void {
    const { places } = this;
    const size = places.length * 2;
    this.mask = size - 1;
    this.places = new Array(size).fill(undefined);
    for (const pending of places) {
      if (pending !== undefined) {
        this.places[pending.call & this.mask] = pending;
      }
    }
  }
}
