/** How saves travel to the engine: in runs, with one promise each (docs/adr/004). */

import { type Collection, CouchbaseLiteException, type Database, MutableDocument } from 'settee';
import { PendingCalls } from '../js/native/pending-calls';
import { SaveRun } from '../js/native/save-run';
import { openDefault } from './support/peers';
import { scratchFolder } from './support/scratch';

describe('on the real engine', () => {
  const folder = scratchFolder();
  let database: Database;
  let collection: Collection;
  let opened = 0;

  beforeEach(async () => {
    ({ database, collection } = await openDefault(`saves${opened++}`, folder));
  });

  afterEach(() => database.close());

  it('ids and bodies of every kind arrive as they were', async () => {
    const texts = ['', 'a', 'é', '日本', '😀', '\u0000\u001f"\\', '\ufffd', 'x'.repeat(70_000)];
    texts.push('é'.repeat(90_000), '日'.repeat(30_000), '😀'.repeat(30_000));
    const ids = texts.map((_, index) => ['plain', 'é', '日本', '😀', 'i'.repeat(60)][index % 5]);
    const documents = texts.map(
      (text, index) => new MutableDocument(`${ids[index]}-${index}`, { text, [text]: index }),
    );
    await Promise.all(documents.map((document) => collection.save(document)));
    for (const [index, document] of documents.entries()) {
      const found = await collection.document(document.getId());
      expect(found?.getData()).toEqual({ text: texts[index], [texts[index]]: index });
      expect(found?.getRevisionID()).toBe(document.getRevisionID());
      expect(found?.getSequence()).toBe(document.getSequence());
    }
  });

  it('keep the order of the calls of a tick, whatever stands between them', async () => {
    const other = await database.createCollection('other', 'shop');
    const order: string[] = [];
    const note = (name: string, call: Promise<unknown>) => call.then(() => order.push(name));
    const document = new MutableDocument('a', { n: 1 });
    const calls = [
      note('save 1', collection.save(document)),
      note('save elsewhere', other.save(new MutableDocument('a', { n: 2 }))),
      note('save 2', collection.save(new MutableDocument('a', { n: 3 }), 0)),
    ];
    const first = collection.document('a');
    calls.push(note('delete', collection.deleteDocument(document)));
    calls.push(note('save 3', collection.save(new MutableDocument('a', { n: 4 }))));
    await Promise.all(calls);
    expect(order).toEqual(['save 1', 'save elsewhere', 'save 2', 'delete', 'save 3']);
    expect((await first)?.getData()).toEqual({ n: 3 });
    expect((await collection.document('a'))?.getRevisionID()).toMatch(/^4-/);
    expect((await other.document('a'))?.getRevisionID()).toMatch(/^1-/);
  });

  it('fail alone', async () => {
    const saves: [string, string][] = [
      ['a', 'good'],
      ['_b', 'bad id'],
      ['c', 'good'],
      ['d\u0001', 'bad id'],
      ['e', 'reserved'],
      ['f', 'good'],
    ];
    const documents = saves.map(
      ([id, kind]) => new MutableDocument(id, kind === 'reserved' ? { _id: 1 } : { kind }),
    );
    const ended = await Promise.all(
      documents.map((document) =>
        collection.save(document).then(
          () => 'good',
          (error) => error,
        ),
      ),
    );
    for (const [index, [, kind]] of saves.entries()) {
      if (kind === 'good') {
        expect(ended[index]).toBe('good');
        expect(documents[index].getRevisionID()).toMatch(/^1-/);
      } else {
        expect(ended[index]).toBeInstanceOf(CouchbaseLiteException);
        expect(documents[index].getRevisionID()).toBeNull();
      }
    }
    expect(documents[5].getSequence()).toBe(3);
    expect((await collection.count()).count).toBe(3);
  });

  it('take the document as it is when save is called', async () => {
    const documents = Array.from({ length: 600 }, (_, n) => new MutableDocument(`d${n}`, { n }));
    const saves = documents.map((document) => {
      const save = collection.save(document);
      document.setInt('n', -1);
      return save;
    });
    await Promise.all(saves);
    expect((await collection.document('d599'))?.getInt('n')).toBe(599);
    expect((await collection.document('d0'))?.getInt('n')).toBe(0);
    expect(new Set(documents.map((document) => document.getSequence())).size).toBe(600);
  });

  it('a document of a class that throws rejects only its own save', async () => {
    class Odd extends MutableDocument {
      override setSequence(): void {
        throw new Error('not here');
      }
    }
    const odd = collection.save(new Odd('odd'));
    const even = new MutableDocument('even');
    const saved = collection.save(even);
    await expect(odd).rejects.toThrow('not here');
    await saved;
    expect(even.getCollection()).toBe(collection);
  });

  it('reject on a closed database, all of them', async () => {
    const twin = await openDefault(database.getName(), folder);
    await twin.database.close();
    const saves = ['a', 'b', 'c'].map((id) => twin.collection.save(new MutableDocument(id)));
    for (const save of saves) {
      await expect(save).rejects.toBeInstanceOf(CouchbaseLiteException);
    }
  });
});

describe('the calls that wait', () => {
  it('are found again by their numbers, however many there are and however long one lasts', () => {
    const calls = new PendingCalls<{ call: number }>();
    const long = { call: calls.nextCall() };
    calls.add(long);
    for (let round = 0; round < 5_000; round++) {
      const pending = { call: calls.nextCall() };
      expect(pending.call & 1023).not.toBe(long.call & 1023);
      calls.add(pending);
      expect(calls.take(pending.call)).toBe(pending);
      expect(calls.take(pending.call)).toBeUndefined();
    }
    const many = Array.from({ length: 5_000 }, () => {
      const pending = { call: calls.nextCall() };
      calls.add(pending);
      return pending;
    });
    expect(new Set(many.map(({ call }) => call)).size).toBe(many.length);
    for (const pending of many.reverse()) {
      expect(calls.take(pending.call)).toBe(pending);
    }
    expect(calls.take(long.call)).toBe(long);
  });

  it('have numbers that begin anew at their limit and are never 0', () => {
    const calls = new PendingCalls<{ call: number }>();
    (calls as unknown as { last: number }).last = 0x3fff_fffe;
    expect([calls.nextCall(), calls.nextCall()]).toEqual([0x3fff_ffff, 1]);
  });
});

describe('a run of saves', () => {
  it('takes no more than fits, counted as if every unit needed three bytes', () => {
    const run = new SaveRun();
    const third = 'x'.repeat((256 * 1024) / 3 - 1);
    expect(run.mayTake('i', third)).toBe(true);
    expect(run.mayTake('id', third)).toBe(false);
    run.add(1, 0, 'i', '日'.repeat(third.length), -1);
    expect(run.hasRoomFor('', '')).toBe(true);
    expect(run.hasRoomFor('i', 'y')).toBe(false);
    expect([...run.heads.slice(0, 4)]).toEqual([0, -1, 1, third.length * 3]);
    run.clear();
    expect(run.hasRoomFor('i', third)).toBe(true);
  });
});
