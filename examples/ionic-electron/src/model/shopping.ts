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
      (id, fields) => ({
        id,
        name: String(fields.name ?? ''),
        done: fields.done === true,
        by: String(fields.by ?? ''),
      }),
      (a, b) => Number(a.done) - Number(b.done) || a.name.localeCompare(b.name),
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
