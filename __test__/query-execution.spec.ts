/** Queries through the public API (api §7): rows, keys, parameters, explain, what is refused. */

import { mkdtempSync } from 'fs';
import { join } from 'path';
import {
  type Collection,
  CouchbaseLiteException,
  type Database,
  engine,
  MutableDocument,
  Parameters,
} from 'settee';
import { openDefault } from './support/peers';
import { rowsOf } from './support/queries';
import { scratchFolder } from './support/scratch';

const scratch = scratchFolder();
const newFolder = () => mkdtempSync(join(scratch, 'db-'));

let database: Database;
let collection: Collection;

const HOTELS = [
  { name: 'Sea View', stars: 4, city: 'Nice', tags: ['sea', 'pool'], price: 120.5, open: true },
  { name: 'Old Mill', stars: 3, city: 'Bruges', tags: [], price: 80, open: false },
  { name: 'Étoile', stars: 5, city: 'Nice', tags: ['spa'], price: null, open: true },
];

beforeAll(async () => {
  ({ database, collection } = await openDefault('travel', newFolder()));
  for (const [index, hotel] of HOTELS.entries()) {
    await collection.save(new MutableDocument(`hotel-${index}`, hotel));
  }
  const cities = await database.createCollection('cities', 'geo');
  await cities.save(new MutableDocument('nice', { city: 'Nice', country: 'France' }));
});

afterAll(() => database.close());

const rows = (text: string) => rowsOf(database, text);

async function refusal(text: string): Promise<CouchbaseLiteException> {
  const outcome = await rows(text).then(
    (found) => found,
    (error) => error,
  );
  expect(outcome).toBeInstanceOf(CouchbaseLiteException);
  return outcome as unknown as CouchbaseLiteException;
}

describe('execute', () => {
  it('gives plain rows in order, without what is missing', async () => {
    const found = await rows(
      'SELECT name, stars AS s, price, nothing, tags[0] FROM _ ORDER BY stars DESC',
    );
    expect(found).toEqual([
      { name: 'Étoile', s: 5, price: null, $1: 'spa' },
      { name: 'Sea View', s: 4, price: 120.5, $1: 'sea' },
      { name: 'Old Mill', s: 3, price: 80 },
    ]);
  });

  it('names whole documents after their source', async () => {
    const where = "WHERE name = 'Old Mill'";
    await expect(rows(`SELECT * FROM _ ${where}`)).resolves.toEqual([{ _: HOTELS[1] }]);
    await expect(rows(`SELECT * FROM _default ${where}`)).resolves.toEqual([
      { _default: HOTELS[1] },
    ]);
    await expect(rows(`SELECT * FROM travel ${where}`)).resolves.toEqual([{ travel: HOTELS[1] }]);
    await expect(rows(`SELECT * FROM _ AS hotel ${where}`)).resolves.toEqual([
      { hotel: HOTELS[1] },
    ]);
    await expect(rows('SELECT * FROM geo.cities')).resolves.toEqual([
      { cities: { city: 'Nice', country: 'France' } },
    ]);
  });

  it('knows the meta data of documents', async () => {
    const [row] = await rows(
      "SELECT META().id, META().sequence, META().revisionID, META().deleted FROM _ WHERE META().id = 'hotel-1'",
    );
    expect(row).toEqual({
      id: 'hotel-1',
      sequence: 2,
      revisionID: expect.stringMatching(/^1-[0-9a-f]{40}$/),
      deleted: false,
    });
  });

  it('joins, unnests and groups', async () => {
    await expect(
      rows(
        'SELECT h.name, c.country FROM _ h JOIN geo.cities c ON h.city = c.city ORDER BY h.name',
      ),
    ).resolves.toEqual([
      { name: 'Sea View', country: 'France' },
      { name: 'Étoile', country: 'France' },
    ]);
    await expect(
      rows("SELECT h.name, t FROM _ h UNNEST h.tags t WHERE t LIKE 's%' ORDER BY t"),
    ).resolves.toEqual([
      { name: 'Sea View', t: 'sea' },
      { name: 'Étoile', t: 'spa' },
    ]);
    await expect(
      rows('SELECT city, COUNT(*) AS n, MAX(stars) AS best FROM _ GROUP BY city ORDER BY city'),
    ).resolves.toEqual([
      { city: 'Bruges', n: 1, best: 3 },
      { city: 'Nice', n: 2, best: 5 },
    ]);
  });

  it('sees the saves that were called before it, awaited or not', async () => {
    const saves = Array.from({ length: 50 }, (_, n) =>
      collection.save(new MutableDocument(`burst-${n}`, { burst: true, n })),
    );
    await expect(rows('SELECT COUNT(*) AS n FROM _ WHERE burst')).resolves.toEqual([{ n: 50 }]);
    await Promise.all(saves);
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const document = await collection.document(`burst-${n}`);
        await collection.deleteDocument(document as MutableDocument);
      }),
    );
    await expect(rows('SELECT COUNT(*) AS n FROM _ WHERE burst')).resolves.toEqual([{ n: 0 }]);
  });

  it('inside a batch sees what the batch has written', async () => {
    const found: Promise<unknown>[] = [];
    await database.inBatch(() => {
      collection.save(new MutableDocument('in-batch', { batch: 1 })).catch(() => undefined);
      found.push(rows('SELECT META().id FROM _ WHERE batch = 1'));
      collection.purgeById('in-batch').catch(() => undefined);
      found.push(rows('SELECT META().id FROM _ WHERE batch = 1'));
    });
    await expect(Promise.all(found)).resolves.toEqual([[{ id: 'in-batch' }], []]);
  });

  it('gives large results whole', async () => {
    const large = await database.createCollection('large', 'big');
    const text = 'é"\\\n'.repeat(50);
    await Promise.all(
      Array.from({ length: 2000 }, (_, n) => large.save(new MutableDocument(`d${n}`, { n, text }))),
    );
    const found = await rows('SELECT n, text FROM big.large ORDER BY n');
    expect(found).toHaveLength(2000);
    expect(found[1234]).toEqual({ n: 1234, text });
  });

  it('keeps booleans, nulls, numbers and nested values as they are', async () => {
    const value = { b: [true, false, null, 1, 1.5, -0.25, 'x', { k: [] }] };
    const other = await database.createCollection('values', 'big');
    await other.save(new MutableDocument('v', value));
    await expect(rows('SELECT b, b[0] AS t, b[2] AS n FROM big.`values`')).resolves.toEqual([
      { ...value, t: true, n: null },
    ]);
  });
});

describe('a long result', () => {
  it('comes whole, as text and as rows, wherever it is cut', async () => {
    // Two and three bytes a character: no limit of bytes is one of characters for all of them.
    for (const filler of ['x', 'é', '€', '😀']) {
      const text = filler.repeat(100_000 / filler.length);
      const documents = Array.from({ length: 120 }, (_, n) => ({ n, text: `${n}${text}` }));
      const collection = `long${filler.codePointAt(0)}`;
      const long = await database.createCollection(collection);
      await Promise.all(
        documents.map((one) => long.save(new MutableDocument(`d${one.n}`, { ...one }))),
      );
      const query = `SELECT n, text FROM ${collection} ORDER BY n`;
      const found = await rows(query);
      expect(found.length === 120 && found.every((row, n) => row.text === documents[n].text)).toBe(
        true,
      );
      const name = database.getUniqueName();
      const { data } = await engine.query_Execute({ name, query, parameters: {} });
      expect(data === JSON.stringify(documents)).toBe(true);
    }
  });
});

describe('parameters', () => {
  async function withParameters(set: (parameters: Parameters) => void, text: string) {
    const query = database.createQuery(text);
    set(query.parameters);
    return query.execute();
  }

  it('of every kind are bound as what they are', async () => {
    const date = new Date('2020-02-03T04:05:06.789Z');
    await expect(
      withParameters((p) => {
        p.setValue('v', { a: [1] });
        p.setString('s', "it's");
        p.setBoolean('b', true);
        p.setInt('i', 7);
        p.setLong('l', 9007199254740991);
        p.setFloat('f', 0.1);
        p.setDouble('d', 5);
        p.setDate('t', date);
        p.setValue('n', null);
      }, 'SELECT $v AS v, $v.a[0] AS va, $s AS s, $b AS b, TYPE($b) AS tb, $i / 2 AS i, $l AS l, $f AS f, $d / 2 AS d, $t AS t, $n AS n FROM _ LIMIT 1'),
    ).resolves.toEqual([
      {
        v: { a: [1] },
        va: 1,
        s: "it's",
        b: true,
        tb: 'boolean',
        i: 3,
        l: 9007199254740991,
        f: 0.1,
        d: 2.5,
        t: '2020-02-03T04:05:06.789Z',
      },
    ]);
  });

  it('select, limit and match', async () => {
    await expect(
      withParameters((p) => {
        p.setInt('min', 3);
        p.setInt('most', 1);
        p.setValue('cities', ['Nice', 'Rome']);
      }, 'SELECT name FROM _ WHERE stars > $min AND city IN $cities ORDER BY stars LIMIT $most'),
    ).resolves.toEqual([{ name: 'Sea View' }]);
  });

  it('without a value are missing, unknown ones are refused', async () => {
    await expect(rows('SELECT $p IS MISSING AS m FROM _ LIMIT 1')).resolves.toEqual([{ m: true }]);
    await expect(
      withParameters((p) => p.setInt('other', 1), 'SELECT name FROM _'),
    ).rejects.toMatchObject({ domain: 'CouchbaseLite', code: 25 });
    await expect(
      withParameters((p) => {
        p.setInt('p', 1);
        p.remove('p');
      }, 'SELECT name FROM _ WHERE $p IS MISSING'),
    ).resolves.toHaveLength(3);
  });

  it('are no way to inject SQL', async () => {
    const hostile = [
      "x' OR '1'='1",
      "'; DROP TABLE docs_1; --",
      '" OR 1=1 --',
      '`) UNION SELECT * FROM info --',
      '\u0000x',
    ];
    for (const text of hostile) {
      await expect(
        withParameters((p) => p.setString('s', text), 'SELECT name FROM _ WHERE name = $s'),
      ).resolves.toEqual([]);
      const quoted = text.replace(/'/g, "''");
      await expect(rows(`SELECT '${quoted}' AS s FROM _ LIMIT 1`)).resolves.toEqual([{ s: text }]);
      if (!text.includes('\u0000')) {
        const name = text.replace(/`/g, '``');
        await expect(rows(`SELECT \`${name}\` AS s FROM _ LIMIT 1`)).resolves.toEqual([{}]);
        await expect(rows(`SELECT 1 AS \`${name}\` FROM _ AS \`${name}\` LIMIT 1`)).rejects.toThrow(
          CouchbaseLiteException,
        );
        await expect(rows(`SELECT 1 AS \`${name}\` FROM _ LIMIT 1`)).resolves.toEqual([
          { [text]: 1 },
        ]);
      }
    }
    await expect(rows('SELECT COUNT(*) AS n FROM _')).resolves.toEqual([{ n: 3 }]);
  });

  it('may be a Parameters object, for the engine', async () => {
    const parameters = new Parameters();
    parameters.setInt('stars', 5);
    const { data } = await engine.query_Execute({
      name: database.getUniqueName(),
      query: 'SELECT name FROM _ WHERE stars = $stars',
      parameters,
    });
    expect(JSON.parse(data)).toEqual([{ name: 'Étoile' }]);
  });

  it('may be plain objects or their text, for the engine, and nothing else', async () => {
    const query = 'SELECT name FROM _ WHERE stars = $stars';
    const name = database.getUniqueName();
    const stars = { stars: { name: 'stars', value: 5, type: 'int' }, removed: null };
    for (const parameters of [stars, { _parameters: stars }, JSON.stringify(stars)]) {
      const { data } = await engine.query_Execute({ name, query, parameters } as any);
      expect(JSON.parse(data)).toEqual([{ name: 'Étoile' }]);
    }
    const wrong = [[1], '[1]', '5', 'stars', { stars: { type: 'int', value: '5' } }];
    for (const parameters of wrong) {
      await expect(engine.query_Execute({ name, query, parameters } as any)).rejects.toMatchObject({
        code: 9,
      });
    }
  });
});

describe('explain', () => {
  it('has the SQL, the plan and the JSON form', async () => {
    const text = await database.createQuery('SELECT name FROM _ WHERE stars = 4').explain();
    const [sql, plan, json] = text.trim().split('\n\n');
    expect(sql).toMatch(/^SELECT/);
    expect(plan).toContain('SCAN');
    expect(JSON.parse(json)).toMatchObject({ WHAT: expect.anything(), WHERE: expect.anything() });
  });
});

describe('what is refused', () => {
  it.each([
    ['', 9],
    ['SELECT', 23],
    ['SELECT name FROM _ WHERE', 23],
    ['SELECT name FROM _ WHERE stars = = 4', 23],
    ['SELECT name', 23],
    ['SELECT name FROM nowhere', 23],
    ['SELECT name FROM no.where', 23],
    ['SELECT nofunction(1) FROM _', 23],
    ['SELECT LENGTH() FROM _', 23],
    ["SELECT LENGTH('a', 'b') FROM _", 23],
    ["SELECT name FROM _ WHERE MATCH(noindex, 'x')", 23],
    ['SELECT META().nothing FROM _', 23],
    ["SELECT name FROM _ LIMIT 'x'", 23],
    ['INSERT INTO _ VALUES (1)', 23],
    ['SELECT name FROM _; DROP TABLE docs_1', 23],
    ["SELECT PREDICTION('m', {}) FROM _", 23],
  ])('%s', async (text, code) => {
    const error = await refusal(text);
    expect(error).toMatchObject({ domain: 'CouchbaseLite', code });
    expect(error.message.length).toBeGreaterThan(5);
    await expect(database.createQuery(text).explain()).rejects.toMatchObject({ code });
    await expect(
      database.createQuery(text).addChangeListener(() => undefined),
    ).rejects.toMatchObject({ code });
  });

  it('says where a syntax error is', async () => {
    const error = await refusal('SELECT name\nFROM _ WHERE stars ! 4');
    expect(error.message).toMatch(/N1QL syntax error near character 3\d .*line 2/);
  });

  it('a query that is nested too deep or too long, soon', async () => {
    const parentheses = `SELECT ${'('.repeat(20000)}1${')'.repeat(20000)} FROM _`;
    await expect(refusal(parentheses)).resolves.toMatchObject({ code: 23 });
    await expect(refusal(`SELECT ${'NOT '.repeat(20000)}1 FROM _`)).resolves.toMatchObject({
      code: 23,
    });
    await expect(refusal(`SELECT ${'['.repeat(20000)} FROM _`)).resolves.toMatchObject({
      code: 23,
    });
    const megabyte = `SELECT '${'x'.repeat(1024 * 1024)}' AS x FROM _`;
    await expect(refusal(megabyte)).resolves.toMatchObject({ code: 23 });
    const columns = Array.from({ length: 5000 }, (_, n) => `${n}`).join(',');
    await expect(refusal(`SELECT ${columns} FROM _`)).resolves.toMatchObject({ code: 23 });
  });

  it('but not hundreds of terms', async () => {
    const terms = Array.from({ length: 500 }, (_, n) => `stars = ${n + 3}`).join(' OR ');
    await expect(rows(`SELECT name FROM _ WHERE ${terms}`)).resolves.toHaveLength(3);
    const list = Array.from({ length: 5000 }, (_, n) => `${n}`).join(', ');
    await expect(rows(`SELECT name FROM _ WHERE stars IN (${list})`)).resolves.toHaveLength(3);
  });

  it('nothing of odd numbers: they have answers', async () => {
    await expect(rows('SELECT name FROM _ LIMIT -1')).resolves.toEqual([]);
    await expect(
      rows(
        'SELECT 1 / 0 AS a, 1 % 0 AS b, 9223372036854775807 + 1 AS c, 1e308 * 10 AS d FROM _ LIMIT 1',
      ),
    ).resolves.toEqual([{ c: 2 ** 63, d: null }]);
    const offset = database.createQuery('SELECT name FROM _ LIMIT $n');
    offset.parameters.setDouble('n', 1.5);
    await expect(offset.execute()).rejects.toMatchObject({
      domain: 'CouchbaseLite.SQLite',
      code: 20,
    });
  });

  it('catastrophic patterns, which end', async () => {
    const text = `${'a'.repeat(40)}!`;
    for (const pattern of ['(a+)+$', '(a|aa)+$', '(.*a){20}$', '(?=(a+))*b']) {
      const outcome = await rows(`SELECT REGEXP_LIKE('${text}', '${pattern}') AS r FROM _ LIMIT 1`)
        .then(([row]) => row.r)
        .catch((error) => error);
      expect(
        [null, true, false].includes(outcome) || outcome instanceof CouchbaseLiteException,
      ).toBe(true);
    }
  }, 30000);
});

describe('a database that is closed', () => {
  it('during a query stops the query', async () => {
    const peer = await openDefault('closing', newFolder());
    await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        peer.collection.save(new MutableDocument(`d${n}`, { n })),
      ),
    );
    // Twenty-seven million rows: nobody waits for them.
    const query = peer.database.createQuery(
      'SELECT COUNT(*) AS rows FROM _ a CROSS JOIN _ b CROSS JOIN _ c WHERE a.n + b.n = c.n',
    );
    const running = query.execute().catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = Date.now();
    await peer.database.close();
    expect(Date.now() - started).toBeLessThan(5000);
    await expect(running).resolves.toMatchObject({ domain: 'CouchbaseLite', code: 6 });
    await expect(query.execute()).rejects.toMatchObject({ domain: 'CouchbaseLite', code: 6 });
  }, 30000);
});
