import type { Database } from 'settee';
import { Changes, messageOf } from './changes';

/** The rows of a live query, as they are now. */
export class LiveList<Row> extends Changes {
  state: 'loading' | 'ready' | 'failed' = 'loading';
  error = '';
  rows: Row[] = [];

  /** `query` is SQL++; `rowOf` makes what the screens use of a result. */
  constructor(
    private readonly query: string,
    private readonly rowOf: (result: Record<string, any>) => Row,
  ) {
    super();
  }

  /** Resolves when the query runs; its rows come then and whenever they change. */
  async follow(database: Database): Promise<void> {
    try {
      await database.createQuery(this.query).addChangeListener(({ results, error }) => {
        if (error) {
          this.fail(error);
        } else {
          this.rows = results.map(this.rowOf);
          this.state = 'ready';
          this.changed();
        }
      });
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.state = 'failed';
    this.error = messageOf(error);
    this.changed();
  }
}
