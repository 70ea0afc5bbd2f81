/** Live queries through the public API (api §7.1, query spec §10). */

import { mkdtempSync } from 'fs';
import { join } from 'path';
import { type Collection, type Database, MutableDocument, type QueryChange } from 'settee';
import { openDefault } from './support/peers';
import { scratchFolder } from './support/scratch';
import { settle, until } from './support/wait';

const scratch = scratchFolder();

let database: Database;
let collection: Collection;

beforeEach(async () => {
  const folder = mkdtempSync(join(scratch, 'db-'));
  ({ database, collection } = await openDefault('live', folder));
});

afterEach(() => database.close());

const save = (id: string, data: object, into = collection) =>
  into.save(new MutableDocument(id, data as { [key: string]: unknown }));

/** A listener that remembers what it was told. */
async function listen(text: string, parameters: { [name: string]: number } = {}) {
  const query = database.createQuery(text);
  for (const [name, value] of Object.entries(parameters)) {
    query.parameters.setInt(name, value);
  }
  const changes: QueryChange[] = [];
  const token = await query.addChangeListener((change) => changes.push(change));
  const told = (count: number) => until(() => changes.length >= count, `${count} results`);
  return { query, changes, token, told };
}

describe('a live query', () => {
  it('tells its rows at once, even when there are none, and then those that changed', async () => {
    const { query, changes, told } = await listen('SELECT n FROM _ WHERE n > 1 ORDER BY n');
    await told(1);
    expect(changes[0].results).toEqual([]);
    expect(changes[0].query).toBe(query);
    expect(changes[0].error).toBeUndefined();
    await save('a', { n: 2 });
    await told(2);
    expect(changes[1].results).toEqual([{ n: 2 }]);
    await save('a', { n: 3 });
    await told(3);
    expect(changes[2].results).toEqual([{ n: 3 }]);
    await collection.deleteDocument((await collection.document('a')) as MutableDocument);
    await told(4);
    expect(changes[3].results).toEqual([]);
  });

  it('is silent when the rows stay the same', async () => {
    const other = await database.createCollection('other', 'x');
    const { changes, told } = await listen('SELECT n FROM _ WHERE n > 1');
    await told(1);
    await save('small', { n: 0 });
    await save('elsewhere', { n: 5 }, other);
    await save('small', { n: 1 });
    await save('last', { n: 2 });
    await told(2);
    await settle();
    expect(changes.map(({ results }) => results)).toEqual([[], [{ n: 2 }]]);
  });

  it('runs a few times for a burst of writes, and ends with all of them', async () => {
    const { changes, told } = await listen('SELECT COUNT(*) AS n FROM _');
    await told(1);
    for (let n = 0; n < 100; n += 1) {
      await save(`d${n}`, { n });
    }
    await until(() => changes[changes.length - 1].results[0].n === 100, 'all writes');
    expect(changes.length).toBeLessThan(12);
  });

  it('takes its parameters when it is made', async () => {
    await save('a', { n: 5 });
    const { query, changes, told } = await listen('SELECT n FROM _ WHERE n > $min', { min: 4 });
    await told(1);
    query.parameters.setInt('min', 100);
    await save('b', { n: 6 });
    await told(2);
    expect(changes[1].results).toHaveLength(2);
  });

  it('knows of purges and of expired documents', async () => {
    await save('a', { n: 5 });
    await save('b', { n: 6 });
    const { changes, told } = await listen('SELECT META().id FROM _ ORDER BY META().id');
    await told(1);
    await collection.purge((await collection.document('a')) as MutableDocument);
    await told(2);
    expect(changes[1].results).toEqual([{ id: 'b' }]);
    await collection.setDocumentExpiration('b', new Date(Date.now() + 50));
    await told(3);
    expect(changes[2].results).toEqual([]);
  });

  it('watches every collection that it reads', async () => {
    const cities = await database.createCollection('cities', 'geo');
    await save('a', { city: 'Nice' });
    const { changes, told } = await listen(
      'SELECT h.city, c.country FROM _ h JOIN geo.cities c ON c.city = h.city',
    );
    await told(1);
    await save('nice', { city: 'Nice', country: 'France' }, cities);
    await told(2);
    expect(changes[1].results).toEqual([{ city: 'Nice', country: 'France' }]);
  });

  it('says nothing once it is removed, and may be added again', async () => {
    const { query, changes, token, told } = await listen('SELECT n FROM _');
    await told(1);
    await query.removeChangeListener(token);
    await save('a', { n: 1 });
    await settle();
    expect(changes).toHaveLength(1);
    await expect(query.removeChangeListener(token)).rejects.toThrow('No such listener found');
    const again: QueryChange[] = [];
    await query.addChangeListener((change) => again.push(change));
    await until(() => again.length > 0, 'the first rows');
    expect(again[0].results).toEqual([{ n: 1 }]);
  });

  it('outlives an error of one run', async () => {
    const cities = await database.createCollection('cities', 'geo');
    await save('nice', { city: 'Nice' }, cities);
    const { changes, told } = await listen(
      'SELECT h.n, c.city FROM _ h JOIN geo.cities c ON c.city = h.city',
    );
    await told(1);
    await database.deleteCollection('cities', 'geo');
    await save('a', { n: 1, city: 'Nice' });
    await told(2);
    expect(changes[1]).toMatchObject({ results: [], error: expect.stringContaining('cities') });
    await save('nice', { city: 'Nice' }, await database.createCollection('cities', 'geo'));
    await until(() => changes[changes.length - 1].results.length === 1, 'rows again');
    expect(changes[changes.length - 1].error).toBeUndefined();
  });

  it('ends with its database', async () => {
    const { changes, told } = await listen('SELECT n FROM _');
    await told(1);
    await database.close();
    await settle();
    expect(changes).toHaveLength(1);
    await database.open();
  });

  it('never holds up writes', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, n) => save(`d${n}`, { n })));
    const { changes } = await listen(
      'SELECT COUNT(*) AS rows FROM _ a CROSS JOIN _ b CROSS JOIN _ c WHERE a.n + b.n = c.n',
    );
    for (let n = 0; n < 20; n += 1) {
      await save(`more${n}`, { n });
    }
    expect(changes).toHaveLength(0);
  }, 30000);
});
