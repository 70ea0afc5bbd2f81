import type { Dictionary } from '../util/dictionary';

/** How a replicator proves who it is. Source: api §9.6. */
export abstract class Authenticator {
  /** Writes the credentials into replicator options. */
  abstract authenticate(options: Dictionary): void;

  abstract getType(): string;

  abstract toJson(): any;
}
