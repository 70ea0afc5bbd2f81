// The page of the ipc bench. Times are milliseconds.

const { Database, DatabaseConfiguration, MutableDocument } = require('../../..');

let collection;
let database;

window.bench = {
  async fill(count) {
    database = new Database('ipc', new DatabaseConfiguration());
    await database.open();
    collection = await database.createCollection('docs');
    const saves = [];
    for (let n = 0; n < count; n++) {
      const document = new MutableDocument(`d${n}`, {
        type: 'hotel',
        name: `Hotel number ${n}`,
        address: { street: `${n} Long Street`, city: 'Springfield', country: 'Nowhere' },
        stars: n % 6,
        tags: ['pool', 'bar', 'parking'],
        geo: { lat: 48.8 + n / 1e5, lon: 2.3 + n / 1e5 },
        open: n % 2 === 0,
      });
      saves.push(collection.save(document));
    }
    await Promise.all(saves);
  },
  /** Time of one awaited round trip. */
  async echo(count) {
    const started = performance.now();
    for (let n = 0; n < count; n++) {
      await window.echo.call(n);
    }
    return (performance.now() - started) / count;
  },
  async document(count) {
    const started = performance.now();
    for (let n = 0; n < count; n++) {
      await collection.document(`d${n}`);
    }
    return (performance.now() - started) / count;
  },
  async documents(count) {
    const started = performance.now();
    const reads = [];
    for (let n = 0; n < count; n++) {
      reads.push(collection.document(`d${n}`));
    }
    await Promise.all(reads);
    return (performance.now() - started) / count;
  },
  async save(count) {
    const started = performance.now();
    for (let n = 0; n < count; n++) {
      await collection.save(new MutableDocument(`s${n}`, { n }));
    }
    return (performance.now() - started) / count;
  },
  /** Time until all rows are there, and how many they are. */
  async query(text) {
    const started = performance.now();
    const rows = await database.createQuery(text).execute();
    return { time: performance.now() - started, rows: rows.length };
  },
};
