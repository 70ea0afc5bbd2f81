import { MutableDocument } from 'settee';
import { LiveList } from './live-list';
import type { Store } from './store';

export interface ShoppingRow {
  id: string;
  name: string;
  done: boolean;
  by: string;
}

/** The shopping list. */
export class Shopping extends LiveList<ShoppingRow> {
  constructor(
    private readonly store: Store,
    private readonly deviceName: () => string,
  ) {
    super(
      'SELECT META().id AS id, name, done, `by` FROM shopping ORDER BY done, LOWER(name)',
      (result) => ({
        id: String(result.id),
        name: String(result.name ?? ''),
        done: result.done === true,
        by: String(result.by ?? ''),
      }),
    );
  }

  async add(name: string): Promise<void> {
    const document = new MutableDocument();
    document.setString('name', name.trim());
    document.setBoolean('done', false);
    document.setString('by', this.deviceName());
    await this.store.collection('shopping').save(document);
  }

  async mark(id: string, done: boolean): Promise<void> {
    const document = await this.store.collection('shopping').document(id);
    if (document !== undefined) {
      const changed = MutableDocument.fromDocument(document);
      changed.setBoolean('done', done);
      await this.store.collection('shopping').save(changed);
    }
  }

  async removeDone(): Promise<void> {
    const collection = this.store.collection('shopping');
    for (const { id } of this.rows.filter(({ done }) => done)) {
      const document = await collection.document(id);
      if (document !== undefined) {
        await collection.deleteDocument(document);
      }
    }
  }
}
