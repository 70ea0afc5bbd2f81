/** Where a replicator connects to. */
export interface Endpoint {
  toJson(): any;
}

/** A listener or gateway by its URL; checked by the engine when a replicator is created. */
export class URLEndpoint implements Endpoint {
  constructor(private readonly url: string) {}

  toJson(): any {
    return { url: this.url };
  }
}
