import { type Collection, MutableDocument } from 'settee';
import { Changes, messageOf } from './changes';

/** Name of the document, never shared, that knows what is in a collection. */
const INDEX = 'ids';

/** The rows of a collection, as they are now. */
export class LiveList<Row extends { id: string }> extends Changes {
  state: 'loading' | 'ready' | 'failed' = 'loading';
  error = '';
  private readonly rowsById = new Map<string, Row>();
  private collection!: Collection;
  private index!: Collection;
  private work: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly rowOf: (id: string, fields: Record<string, any>) => Row,
    private readonly order: (a: Row, b: Row) => number,
  ) {
    super();
  }

  get rows(): Row[] {
    return [...this.rowsById.values()].sort(this.order);
  }

  /** Follows a collection; `index` is one of this device alone. */
  async follow(collection: Collection, index: Collection): Promise<void> {
    this.collection = collection;
    this.index = index;
    try {
      await collection.addChangeListener(({ documentIDs }) => this.read(documentIDs));
      const ids = (await index.document(`${collection.name}.${INDEX}`))?.getArray('ids') ?? [];
      await this.read(ids as string[]);
      this.state = 'ready';
    } catch (error) {
      this.state = 'failed';
      this.error = messageOf(error);
    }
    this.changed();
  }

  private read(ids: readonly string[]): Promise<unknown> {
    this.work = this.work
      .then(async () => {
        const before = [...this.rowsById.keys()].join();
        const documents = await Promise.all(ids.map((id) => this.collection.document(id)));
        documents.forEach((document, at) => {
          if (document === undefined) {
            this.rowsById.delete(ids[at]);
          } else {
            this.rowsById.set(ids[at], this.rowOf(ids[at], document.toDictionary()));
          }
        });
        const now = [...this.rowsById.keys()];
        if (now.join() !== before) {
          const known = new MutableDocument(`${this.collection.name}.${INDEX}`);
          known.setArray('ids', now);
          await this.index.save(known);
        }
      })
      .catch((error) => {
        this.error = messageOf(error);
      })
      .then(() => this.changed());
    return this.work;
  }
}
