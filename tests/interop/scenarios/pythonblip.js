const assert = require('assert');
const { bytes, documents, ids } = require('../lib/documents');

const BASIC = { type: 'basic', data: { username: 'pam', password: 'secret' } };

/** pythonblip pulls, once, up to 200 documents a collection; it can do nothing else. */
const scenarios = {
  async 'pulls the default collection'(scenario) {
    const settee = await scenario.settee();
    const all = documents('doc', 150);
    await settee.save(all);
    await settee.listen({ authenticatorConfig: BASIC });
    const pulled = await pull(scenario, settee, {});
    assert.deepStrictEqual(pulled.get('_default'), bodies(all));
  },

  async 'pulls named collections'(scenario) {
    const names = ['shop.items', 'shop.people'];
    const settee = await scenario.settee(names);
    const [items, people] = [documents('item', 120), documents('person', 30)];
    await settee.save(items, 'shop.items');
    await settee.save(people, 'shop.people');
    await settee.listen({ authenticatorConfig: BASIC });
    const args = { scope: 'shop', collections: ['items', 'people'] };
    const pulled = await pull(scenario, settee, args);
    assert.deepStrictEqual(pulled.get('items'), bodies(items));
    assert.deepStrictEqual(pulled.get('people'), bodies(people));
  },

  async 'pulls again from its checkpoint'(scenario) {
    const settee = await scenario.settee(['shop.items']);
    await settee.save(documents('item', 20), 'shop.items');
    await settee.listen({ authenticatorConfig: BASIC });
    const args = { scope: 'shop', collections: ['items'] };
    const first = await pull(scenario, settee, args);
    const second = await pull(scenario, settee, args);
    // It keeps a checkpoint but never asks for changes since.
    assert.deepStrictEqual(second, first);
  },

  async 'pulls a document of several frames over TLS'(scenario) {
    const settee = await scenario.settee();
    // One alone, as it cannot take frames of two messages in turn; and below 128 KB, as it
    // acknowledges the frames of a request as if they were those of a reply.
    const all = [{ id: 'large', body: { hex: bytes('large', 50_000).toString('hex') } }];
    await settee.save(all);
    await settee.listen({ authenticatorConfig: BASIC, disableTLS: false });
    const pulled = await pull(scenario, settee, { tls: true });
    assert.deepStrictEqual(pulled.get('_default'), bodies(all));
  },

  async 'is refused with a wrong password'(scenario) {
    const settee = await scenario.settee();
    await settee.save(documents('doc', 3));
    await settee.listen({ authenticatorConfig: BASIC });
    const lines = await run(scenario, settee, { password: 'wrong' });
    assert.strictEqual(lines.length, 1);
    assert.match(lines[0].error, /Unauthorized/);
  },
};

/** Runs pythonblip to its end; resolves with what it printed. */
async function run(scenario, settee, args) {
  const port = settee.listener.getPort();
  const credentials = { user: 'pam', password: 'secret' };
  const all = { database: 'db', port, tls: false, ...credentials, ...args };
  const client = scenario.process(JSON.stringify(all));
  await client.ended;
  return client.lines;
}

/** What it pulled: collection → { id: body }. */
async function pull(scenario, settee, args) {
  const collections = new Map();
  for (const { error, collection, id, body } of await run(scenario, settee, args)) {
    assert.strictEqual(error, undefined);
    collections.set(collection, { ...collections.get(collection), [id]: body });
  }
  return collections;
}

function bodies(all) {
  return Object.fromEntries(ids(all).map((id, n) => [id, all[n].body]));
}

module.exports = { scenarios };
