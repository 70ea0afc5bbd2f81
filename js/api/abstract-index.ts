import type { IndexType } from './index-type';

/** Marks anything that can be given to `createIndex`. */
// biome-ignore lint/suspicious/noEmptyInterface: empty in the reference too
export interface Index {}

/** What every index can tell about itself. Source: api §8.1. */
export abstract class AbstractIndex implements Index {
  abstract type(): IndexType;

  abstract language(): string;

  abstract ignoreAccents(): boolean;

  /** JSON form of each item. */
  abstract items(): any[];

  /** Definition as the engine gets it. */
  abstract toJson(): any;
}
