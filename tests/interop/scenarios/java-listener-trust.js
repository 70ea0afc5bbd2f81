const assert = require('assert');
const { ListenerPasswordAuthenticator, TLSIdentity } = require('../../..');
const { documents, ids } = require('../lib/documents');
const { assertEqual, replicated, until } = require('../lib/scenario');

/** What a real client makes of a listener's identity, authenticators and rules. */
const scenarios = {
  async 'pins the certificate of an identity of ours and logs in through a function'(scenario) {
    const identity = await TLSIdentity.createIdentity({
      attributes: { certAttrCommonName: 'Couchbase Inc' },
    });
    const asked = [];
    const authenticator = new ListenerPasswordAuthenticator(async (name, password) => {
      asked.push(name);
      return name === 'pam' && password === 'pässword';
    });
    const [settee, client, url] = await pair(scenario, { tlsIdentity: identity, authenticator });
    const all = documents('doc', 20);
    await settee.save(all);
    const login = { user: 'pam', password: 'pässword' };
    await replicated(client, { url, certificate: der(identity), ...login });
    await assertEqual(settee, client, ids(all));
    const { error } = await client.call('replicate', {
      url,
      certificate: der(identity),
      ...login,
      password: 'wrong',
    });
    assert.deepStrictEqual([error?.domain, error?.code], ['CouchbaseLite', 10401]);
    assert.deepStrictEqual([...new Set(asked)], ['pam']);
  },

  async 'refuses a certificate that is not the pinned one'(scenario) {
    const [identity, other] = await Promise.all(
      ['ours', 'ours'].map((name) => TLSIdentity.createIdentity({ attributes: { CN: name } })),
    );
    const [settee, client, url] = await pair(scenario, { tlsIdentity: identity });
    await settee.save(documents('doc', 3));
    const { level, error } = await client.call('replicate', { url, certificate: der(other) });
    assert.strictEqual(level, 'STOPPED');
    assert.strictEqual(error?.domain, 'CouchbaseLite');
    assert.ok(error.code >= 5000 && error.code < 6000, `code ${error.code}`);
    assert.deepStrictEqual(await client.call('documents'), {});
    await replicated(client, { url, certificate: der(identity) });
  },

  async 'pins a new identity after the listener has changed it'(scenario) {
    const [first, second] = await Promise.all(
      ['first', 'second'].map((name) => TLSIdentity.createIdentity({ attributes: { CN: name } })),
    );
    const [settee, client, url] = await pair(scenario, { tlsIdentity: first });
    await settee.save(documents('doc', 3));
    await client.call('start', { url, certificate: der(first) });
    await idle(client);
    await settee.listener.setTLSIdentity(second);
    // The connection that is open stays.
    await settee.save([{ id: 'late', body: { n: 1 } }]);
    await until('the edit has arrived', async () => 'late' in (await client.call('documents')));
    await client.call('stop');
    const { error } = await client.call('replicate', { url, certificate: der(first) });
    assert.ok(error.code >= 5000 && error.code < 6000, `code ${error.code}`);
    await replicated(client, { url, certificate: der(second) });
  },

  async 'may pull from a read-only listener and not push (10403)'(scenario) {
    const [settee, client, url] = await pair(scenario, { disableTLS: true, readOnly: true });
    const [ours, theirs] = [documents('ours', 5), documents('theirs', 5)];
    await settee.save(ours);
    await replicated(client, { url, type: 'PULL' });
    await client.call('save', { documents: theirs });
    const { error } = await client.call('replicate', { url, type: 'PUSH' });
    assert.deepStrictEqual([error?.domain, error?.code], ['CouchbaseLite', 10403]);
    assert.strictEqual(await settee.count(), 5);
  },

  async 'waits for a permission and is refused without one (10403)'(scenario) {
    let decide;
    const [settee, client, url] = await pair(scenario, {
      disableTLS: true,
      requestAuthorizer: () =>
        new Promise((resolve) => {
          decide = resolve;
        }),
    });
    await settee.save(documents('doc', 5));
    for (const permission of [false, true]) {
      decide = undefined;
      const running = client.call('replicate', { url, type: 'PULL' });
      await until('the listener asks', () => decide !== undefined);
      decide(permission);
      const { error } = await running;
      assert.strictEqual(error?.code, permission ? undefined : 10403);
      assert.strictEqual(Object.keys(await client.call('documents')).length, permission ? 5 : 0);
    }
  },

  async 'stops for good when its principal is disconnected'(scenario) {
    const [settee, client, url] = await pair(scenario, {
      disableTLS: true,
      authenticator: new ListenerPasswordAuthenticator('pam', 'p'),
    });
    await client.call('start', { url, user: 'pam', password: 'p', attempts: 30 });
    await idle(client);
    assert.strictEqual(await settee.listener.disconnect('user:sam'), 0);
    assert.strictEqual(await settee.listener.disconnect('user:pam'), 1);
    await until('the client has stopped', async () => {
      const { level } = await client.call('status');
      return level === 'STOPPED';
    });
    const { error } = await client.call('status');
    assert.strictEqual(error?.code, 11008);
  },
};

/** A settee peer that listens and a client with an empty database. */
async function pair(scenario, options) {
  const settee = await scenario.settee();
  const url = await settee.listen({ disableTLS: false, ...options });
  return [settee, await scenario.couchbaseLite(), url];
}

function der({ certificates: [{ der: bytes }] }) {
  return Buffer.from(bytes).toString('base64');
}

function idle(client) {
  return until('the client is idle', async () => {
    const { level, error } = await client.call('status');
    assert.ok(level !== 'STOPPED', `the client stopped: ${JSON.stringify(error)}`);
    return level === 'IDLE';
  });
}

module.exports = { scenarios };
