const assert = require('assert');
const { bytes, documents, forJava, ids } = require('../lib/documents');
const { assertEqual, replicated, until } = require('../lib/scenario');

const BASIC = { type: 'basic', data: { username: 'pam', password: 'pässword' } };
const PAM = { user: 'pam', password: 'pässword' };

/** Each is a test: title → what happens, given a `Scenario`. */
const scenarios = {
  async 'pushes 200 documents'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const all = documents('doc', 200);
    await client.call('save', { documents: all });
    const report = await replicated(client, { url, type: 'PUSH' });
    assert.strictEqual(report.documents.length, 200);
    assert.ok(report.documents.every(({ push }) => push));
    await assertEqual(settee, client, ids(all));
  },

  async 'pulls 200 documents'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const all = documents('doc', 200);
    await settee.save(all);
    const report = await replicated(client, { url, type: 'PULL' });
    assert.strictEqual(report.documents.length, 200);
    assert.ok(report.documents.every(({ push }) => !push));
    await assertEqual(settee, client, ids(all));
  },

  async 'replicates nothing with nothing'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const report = await replicated(client, { url });
    assert.deepStrictEqual(report.documents, []);
    await assertEqual(settee, client, []);
  },

  async 'pushes and pulls at once, with blobs both ways'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = ['ours', 'theirs'].map((side) => [
      ...documents(side, 150),
      ...withBlobs(side),
    ]);
    await settee.save(ours);
    await client.call('save', { documents: forJava(theirs) });
    const report = await replicated(client, { url });
    assert.strictEqual(report.documents.filter(({ push }) => push).length, theirs.length);
    assert.strictEqual(report.documents.filter(({ push }) => !push).length, ours.length);
    await assertEqual(settee, client, ids([...ours, ...theirs]));
    for (const { id, blobs } of [...ours, ...theirs].filter((one) => one.blobs)) {
      const stored = (await settee.documents([id]))[id].blobs;
      for (const [key, blob] of Object.entries(blobs)) {
        assert.strictEqual(stored[key].length, blob.bytes.length, `${id}.${key}`);
      }
    }
  },

  async 'pushes and pulls 10,000 documents'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = [documents('ours', 10_000), documents('theirs', 10_000)];
    await settee.save(ours);
    await client.call('save', { documents: theirs });
    await replicated(client, { url, timeout: 100 });
    await assertEqual(settee, client, ids([...ours, ...theirs]));
  },

  async 'pushes and pulls documents of a megabyte'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = ['ours', 'theirs'].map((side) =>
      [1, 2, 3].map((n) => ({
        id: `${side}-${n}`,
        body: {
          hex: bytes(`${side} ${n}`, 256 * 1024).toString('hex'),
          plain: 'a'.repeat(600_000),
        },
      })),
    );
    await settee.save(ours);
    await client.call('save', { documents: theirs });
    await replicated(client, { url });
    await assertEqual(settee, client, ids([...ours, ...theirs]));
  },

  async 'keeps up with live edits both ways'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = [documents('ours', 20), documents('theirs', 20)];
    await settee.save(ours);
    await client.call('save', { documents: theirs });
    await client.call('start', { url });
    await settled(client);
    await assertEqual(settee, client, ids([...ours, ...theirs]));
    for (let round = 1; round <= 5; round += 1) {
      const ourEdits = documents('ours', 20).map(edit('settee', round));
      const theirEdits = documents('theirs', 20).map(edit('client', round));
      const fresh = documents(`fresh-${round}`, 5);
      await Promise.all([
        settee.save([...ourEdits, ...fresh]),
        client.call('save', { documents: theirEdits }),
      ]);
      await until('edits have arrived', async () => {
        const there = await client.call('documents');
        const here = await settee.documents(ids(theirEdits));
        return (
          ids(ourEdits).every((id) => there[id]?.body.round === round) &&
          ids(fresh).every((id) => there[id] !== undefined) &&
          ids(theirEdits).every((id) => here[id]?.body.round === round)
        );
      });
    }
    await settled(client);
    assert.strictEqual((await client.call('stop')).error, null);
    await assertEqual(settee, client, ids([...ours, ...theirs]));
  },

  async 'deletes both ways'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = [documents('ours', 20), documents('theirs', 20)];
    await settee.save(ours);
    await client.call('save', { documents: theirs });
    await replicated(client, { url });
    // Each side deletes ten of its own, and five that came from the other side.
    await settee.delete([...ids(ours).slice(0, 10), ...ids(theirs).slice(0, 5)]);
    await client.call('delete', {
      ids: [...ids(theirs).slice(10, 20), ...ids(ours).slice(10, 15)],
    });
    const report = await replicated(client, { url });
    assert.strictEqual(report.documents.filter((one) => one.push && one.deleted).length, 15);
    assert.strictEqual(report.documents.filter((one) => !one.push && one.deleted).length, 15);
    await assertEqual(settee, client, ids([...ours, ...theirs]));
    assert.strictEqual(await settee.count(), 10);
  },

  async 'brings a deleted document back'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const all = documents('doc', 2);
    await settee.save(all);
    await replicated(client, { url });
    await settee.delete(['doc-0']);
    await client.call('delete', { ids: ['doc-1'] });
    await replicated(client, { url });
    assert.strictEqual(await settee.count(), 0);
    await settee.save([{ id: 'doc-1', body: { again: 'settee' } }]);
    await client.call('save', { documents: [{ id: 'doc-0', body: { again: 'client' } }] });
    await replicated(client, { url });
    await assertEqual(settee, client, ids(all));
    assert.strictEqual(await settee.count(), 2);
  },

  async 'gives the right password'(scenario) {
    const [settee, client, url] = await pair(scenario, { authenticatorConfig: BASIC });
    const all = documents('doc', 3);
    await settee.save(all);
    await replicated(client, { url, ...PAM });
    await assertEqual(settee, client, ids(all));
  },

  async 'is refused with a wrong password, a wrong name, or none (10401)'(scenario) {
    const [settee, client, url] = await pair(scenario, { authenticatorConfig: BASIC });
    await settee.save(documents('doc', 3));
    for (const credentials of [{ ...PAM, password: 'wrong' }, { ...PAM, user: 'sam' }, {}]) {
      const { level, error } = await client.call('replicate', { url, ...credentials });
      assert.strictEqual(level, 'STOPPED');
      assert.deepStrictEqual([error?.domain, error?.code], ['CouchbaseLite', 10401]);
    }
    assert.deepStrictEqual(await client.call('documents'), {});
  },

  async 'is told that a database is unknown (10404)'(scenario) {
    const [, client, url] = await pair(scenario);
    const { error } = await client.call('replicate', { url: url.replace(/db$/, 'other') });
    assert.deepStrictEqual([error?.domain, error?.code], ['CouchbaseLite', 10404]);
  },

  async 'resolves conflicts, and both ends become equal'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const all = documents('doc', 6);
    await settee.save(all);
    await replicated(client, { url });
    const ours = (id, n) => settee.save([{ id, body: { by: 'settee', n } }]);
    const theirs = (id, n) =>
      client.call('save', { documents: [{ id, body: { by: 'client', n } }] });
    // doc-0: one edit each. doc-1: more of theirs. doc-2: more of ours.
    await ours('doc-0', 1);
    await theirs('doc-0', 1);
    await ours('doc-1', 1);
    for (const n of [1, 2, 3]) await theirs('doc-1', n);
    for (const n of [1, 2, 3]) await ours('doc-2', n);
    await theirs('doc-2', 1);
    // doc-3 and doc-4: edited on one side, deleted on the other. doc-5: deleted on both.
    await ours('doc-3', 1);
    await client.call('delete', { ids: ['doc-3'] });
    await settee.delete(['doc-4']);
    await theirs('doc-4', 1);
    await settee.delete(['doc-5']);
    await client.call('delete', { ids: ['doc-5'] });
    // The run that finds a conflict parks the document; the winner goes out with a later one.
    await settle(client, url);
    await assertEqual(settee, client, ids(all));
    const documentsNow = await settee.documents(ids(all));
    assert.strictEqual(documentsNow['doc-1'].body.by, 'client');
    assert.strictEqual(documentsNow['doc-2'].body.by, 'settee');
    assert.deepStrictEqual(Object.keys(documentsNow), ['doc-0', 'doc-1', 'doc-2']);
  },

  async 'made the same document independently: a conflict without a common ancestor'(scenario) {
    const [settee, client, url] = await pair(scenario);
    await settee.save([{ id: 'doc', body: { by: 'settee' } }]);
    await client.call('save', { documents: [{ id: 'doc', body: { by: 'client' } }] });
    await settle(client, url);
    await assertEqual(settee, client, ['doc']);
  },

  async 'is told of a conflict when it only pushes'(scenario) {
    const [settee, client, url] = await pair(scenario);
    await settee.save([{ id: 'doc', body: { by: 'settee' } }]);
    await client.call('save', { documents: [{ id: 'doc', body: { by: 'client' } }] });
    const report = await client.call('replicate', { url, type: 'PUSH' });
    assert.strictEqual(report.error, null);
    assert.deepStrictEqual(
      report.documents.map(({ id, push, error }) => [id, push, error?.code]),
      [['doc', true, 10409]],
    );
    assert.strictEqual((await settee.documents(['doc'])).doc.body.by, 'settee');
  },

  async 'resumes at its checkpoint: a second run moves nothing'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = [documents('ours', 300), documents('theirs', 300)];
    await settee.save(ours);
    await client.call('save', { documents: theirs });
    await replicated(client, { url });
    await client.stop();
    const again = await scenario.couchbaseLite();
    const nothing = await replicated(again, { url });
    assert.deepStrictEqual([nothing.documents, nothing.total], [[], 0]);
    await settee.save([{ id: 'late', body: {} }]);
    const one = await replicated(again, { url });
    assert.deepStrictEqual(ids(one.documents), ['late']);
    await assertEqual(settee, again, ids([...ours, ...theirs]));
  },

  async 'sends all again when its checkpoint is reset, and none is stored twice'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const all = documents('doc', 50);
    await client.call('save', { documents: all });
    await replicated(client, { url });
    const before = await settee.documents(ids(all));
    await replicated(client, { url, reset: true });
    assert.deepStrictEqual(await settee.documents(ids(all)), before);
    await assertEqual(settee, client, ids(all));
  },

  async 'is killed amid a run and ends equal with the next'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = [documents('ours', 4_000), documents('theirs', 4_000)];
    await settee.save(ours);
    await client.call('save', { documents: theirs });
    await client.call('start', { url });
    await until('some documents have arrived', async () => (await settee.count()) > 4_200);
    client.kill();
    await client.ended;
    const again = await scenario.couchbaseLite();
    await replicated(again, { url });
    await assertEqual(settee, again, ids([...ours, ...theirs]));
  },

  async 'goes on where it was when the listener was killed amid a run'(scenario) {
    const [ours, theirs] = [documents('ours', 4_000), documents('theirs', 4_000)];
    const before = await scenario.settee();
    await before.save(ours);
    await before.close();
    const [listener, url] = await scenario.listenerProcess();
    const client = await scenario.couchbaseLite();
    await client.call('save', { documents: theirs });
    await client.call('start', { url, attempts: 30 });
    await client.event('some documents have moved', ({ event }) => event === 'documents');
    const from = client.lines.length;
    listener.kill();
    await listener.ended;
    await client.event('the client is offline', isLevel('OFFLINE'), { from });
    const [again] = await scenario.listenerProcess(new URL(url).port);
    await settled(client);
    await client.call('stop');
    await again.stop();
    await assertEqual(await scenario.settee(), client, ids([...ours, ...theirs]));
  },

  async 'carries edits from one client to another'(scenario) {
    const [settee, one, url] = await pair(scenario);
    const two = await scenario.couchbaseLite('another');
    await one.call('start', { url });
    await two.call('start', { url });
    await Promise.all([settled(one), settled(two)]);
    const edits = withBlobs('one');
    await one.call('save', { documents: forJava(edits) });
    await until('the other has them', async () => {
      const there = Object.keys(await two.call('documents'));
      return there.length === edits.length;
    });
    await two.call('delete', { ids: ids(edits).slice(0, 2) });
    await until('one has lost them', async () => {
      const there = Object.keys(await one.call('documents'));
      return there.length === edits.length - 2;
    });
    await Promise.all([settled(one), settled(two)]);
    await Promise.all([one.call('stop'), two.call('stop')]);
    await assertEqual(settee, one, ids(edits));
    await assertEqual(settee, two, ids(edits));
  },

  async 'goes offline when the listener stops and comes back when it listens again'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const all = documents('doc', 10);
    await settee.save(all);
    await client.call('start', { url, attempts: 30 });
    await settled(client);
    const port = settee.listener.getPort();
    const from = client.lines.length;
    await settee.stopListening();
    await client.event('the client is offline', isLevel('OFFLINE'), { from });
    await settee.save([{ id: 'while-away', body: { by: 'settee' } }]);
    await client.call('save', { documents: [{ id: 'meanwhile', body: { by: 'client' } }] });
    await settee.listen({ port });
    await until('what was missed has arrived', async () => {
      const there = await client.call('documents');
      return there['while-away'] !== undefined && (await settee.count()) === 12;
    });
    await settled(client);
    await client.call('stop');
    await assertEqual(settee, client, [...ids(all), 'while-away', 'meanwhile']);
  },

  async 'pulls only the documents it names'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const all = documents('doc', 30);
    await settee.save(all);
    await replicated(client, { url, ids: ['doc-3', 'doc-17', 'no-such'] });
    assert.deepStrictEqual(Object.keys(await client.call('documents')).sort(), ['doc-17', 'doc-3']);
  },

  async 'takes documents with a history longer than it keeps'(scenario) {
    const [settee, client, url] = await pair(scenario);
    for (let n = 0; n < 60; n += 1) {
      await settee.save([{ id: 'ours', body: { n } }]);
      await client.call('save', { documents: [{ id: 'theirs', body: { n } }] });
      if (n === 10) {
        await replicated(client, { url });
      }
    }
    await replicated(client, { url });
    await assertEqual(settee, client, ['ours', 'theirs']);
    // And the other way round, from what each side received.
    await settee.save([{ id: 'theirs', body: { n: 'settee' } }]);
    await client.call('save', { documents: [{ id: 'ours', body: { n: 'client' } }] });
    await replicated(client, { url });
    await assertEqual(settee, client, ['ours', 'theirs']);
  },

  async 'changes and removes blobs both ways'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const [ours, theirs] = ['ours', 'theirs'].map(withBlobs);
    await settee.save(ours);
    await client.call('save', { documents: forJava(theirs) });
    await replicated(client, { url });
    const changed = { a: { type: 'image/png', bytes: bytes('changed', 100_000) } };
    await settee.save([
      { id: theirs[0].id, body: { changed: true }, blobs: changed },
      { id: theirs[2].id, body: { removed: true } },
    ]);
    await client.call('save', {
      documents: forJava([
        { id: ours[0].id, body: { changed: true }, blobs: changed },
        { id: ours[2].id, body: { removed: true } },
      ]),
    });
    await replicated(client, { url });
    await assertEqual(settee, client, ids([...ours, ...theirs]));
  },

  async 'exchanges deltas both ways when the listener has them on'(scenario) {
    const [settee, client, url] = await pair(scenario, { enableDeltaSync: true });
    const tap = await scenario.wiretap(url);
    const all = [large('ours'), large('theirs')];
    await settee.save(all.slice(0, 1));
    await client.call('save', { documents: all.slice(1) });
    await replicated(client, { url: tap.url });
    // Both sides offer them, in their first reply.
    assert.match(tap.said('client'), /deltas\0true\0/);
    assert.match(tap.said('server'), /deltas\0true\0/);
    assert.doesNotMatch(tap.said('client') + tap.said('server'), /deltaSrc/);
    for (const [round, side] of ['client', 'server', 'client', 'server'].entries()) {
      tap.forget();
      const changed = all.map(({ id, body }) => ({ id, body: { ...body, round, side } }));
      await (side === 'server'
        ? settee.save(changed)
        : client.call('save', { documents: changed }));
      await replicated(client, { url: tap.url });
      await assertEqual(settee, client, ids(all));
      assert.strictEqual(tap.said(side).match(/deltaSrc\0/g)?.length, 2, `from the ${side}`);
      const size = JSON.stringify(changed).length;
      assert.ok(tap.bytes(side) < size / 5, `${tap.bytes(side)} bytes for ${size}`);
    }
  },

  async 'exchanges no deltas when the listener has them off'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const tap = await scenario.wiretap(url);
    const all = [large('ours'), large('theirs')];
    await settee.save(all);
    await replicated(client, { url: tap.url });
    const edited = (by) => all.map(({ id, body }) => ({ id, body: { ...body, by } }));
    await settee.save(edited('settee'));
    await replicated(client, { url: tap.url });
    await client.call('save', { documents: edited('client') });
    await replicated(client, { url: tap.url });
    await assertEqual(settee, client, ids(all));
    assert.doesNotMatch(tap.said('server'), /deltas\0/);
    assert.doesNotMatch(tap.said('client') + tap.said('server'), /deltaSrc/);
  },

  async 'speaks CBMobile_2, with blobs, deletions and a conflict'(scenario) {
    const [settee, client, url] = await pair(scenario);
    const tap = await scenario.wiretap(url, { protocol: 'BLIP_3+CBMobile_2' });
    const [ours, theirs] = ['ours', 'theirs'].map((side) => [
      ...documents(side, 20),
      ...withBlobs(side),
    ]);
    await settee.save(ours);
    await client.call('save', { documents: forJava(theirs) });
    await replicated(client, { url: tap.url });
    await assertEqual(settee, client, ids([...ours, ...theirs]));
    await settee.delete(['ours-1']);
    await client.call('delete', { ids: ['theirs-1'] });
    await settee.save([{ id: 'ours-2', body: { by: 'settee' } }]);
    await client.call('save', { documents: [{ id: 'ours-2', body: { by: 'client' } }] });
    await settle(client, tap.url);
    await assertEqual(settee, client, ids([...ours, ...theirs]));
    assert.strictEqual(await settee.count(), ours.length + theirs.length - 2);
  },

  async 'replicates over TLS with the pinned self-signed certificate'(scenario) {
    const [settee, client, url] = await pair(scenario, {
      disableTLS: false,
      authenticatorConfig: BASIC,
    });
    const [ours, theirs] = ['ours', 'theirs'].map((side) => [
      ...documents(side, 150),
      ...withBlobs(side),
    ]);
    await settee.save(ours);
    await client.call('save', { documents: forJava(theirs) });
    const certificate = (await settee.certificate()).toString('base64');
    await replicated(client, { url, certificate, ...PAM });
    await assertEqual(settee, client, ids([...ours, ...theirs]));
  },

  async 'refuses the self-signed certificate that it does not know'(scenario) {
    const [settee, client, url] = await pair(scenario, { disableTLS: false });
    await settee.save(documents('doc', 3));
    const { level, error } = await client.call('replicate', { url });
    assert.strictEqual(level, 'STOPPED');
    assert.strictEqual(error?.domain, 'CouchbaseLite');
    assert.ok(error.code >= 5000 && error.code < 6000, `code ${error.code}`);
    assert.deepStrictEqual(await client.call('documents'), {});
  },
};

/** A settee peer that listens and a client with an empty database. */
async function pair(scenario, options) {
  const settee = await scenario.settee();
  const url = await settee.listen(options);
  return [settee, await scenario.couchbaseLite(), url];
}

/** Documents with blobs: a tiny one, an empty one, 300 KiB, and several in one. */
function withBlobs(side) {
  const blob = (name, length, type = 'application/octet-stream') => ({
    type,
    bytes: bytes(`${side} ${name}`, length),
  });
  return [
    { id: `${side}-tiny`, body: { is: 'tiny' }, blobs: { a: blob('tiny', 5, 'text/plain') } },
    { id: `${side}-empty`, body: { is: 'empty' }, blobs: { a: blob('empty', 0) } },
    { id: `${side}-300k`, body: { is: 'large' }, blobs: { a: blob('large', 300 * 1024) } },
    { id: `${side}-2m`, body: { is: 'larger' }, blobs: { a: blob('larger', 2 * 1024 * 1024) } },
    {
      id: `${side}-many`,
      body: { is: 'many' },
      blobs: { a: blob('one', 1_000), b: blob('two', 70_000), c: blob('one', 1_000) },
    },
  ];
}

/** A document of about 4 KiB in forty fields. */
function large(id) {
  const body = {};
  for (let n = 0; n < 40; n += 1) {
    body[`field${n}`] = bytes(`${id} ${n}`, 50).toString('hex');
  }
  return { id, body };
}

function edit(by, round) {
  return ({ id, body }) => ({ id, body: { ...body, by, round } });
}

function isLevel(level) {
  return ({ event, status }) => event === 'status' && status.level === level;
}

/** Waits until a continuous client is idle with nothing left to push. */
function settled(client) {
  return until('the client is idle', async () => {
    const { level, error } = await client.call('status');
    assert.ok(level !== 'STOPPED', `the client stopped: ${JSON.stringify(error)}`);
    return level === 'IDLE' && (await client.call('pending')).length === 0;
  });
}

/** One-shot runs until one moves nothing. */
async function settle(client, url) {
  for (let run = 0; run < 5; run += 1) {
    const { error, documents: moved } = await client.call('replicate', { url });
    assert.strictEqual(error, null);
    if (moved.length === 0) {
      return;
    }
  }
  throw new Error('documents still move after five runs');
}

module.exports = { scenarios };
