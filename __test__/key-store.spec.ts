/**
 * Where the key of TLS identities lies (trust §8.3), beside a real GNOME Keyring in a session of
 * its own. The moods of other key stores are in `src/tls/tests/key_keeper.rs`.
 */

import { mkdirSync, readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { Session } from './support/key-ring';
import { needs } from './support/needs';
import { findPeer } from './support/peer';
import { runProgram } from './support/program';
import { scratchFolder } from './support/scratch';

const { missing } = findPeer('secret-service.js');
const withKeyRing = needs(missing === '', missing);
const folder = scratchFolder();

const STRONG = { protection: 'strong', keeper: 'Secret Service' };
const WEAK = { protection: 'weak', keeper: 'owner-only file' };

/** Milliseconds; asking takes about thirty, being asked to wait two thousand. */
const AT_ONCE = 1000;

const MAKE = `
  const made = await settee.TLSIdentity.createIdentity({
    label, attributes: { certAttrCommonName: label },
  });
  console.log(JSON.stringify(made.certificates[0].fingerprint));`;
const READ = `
  const found = await settee.TLSIdentity.getIdentity(label);
  console.log(JSON.stringify(found.certificates[0].fingerprint));`;
const DELETE = 'await settee.TLSIdentity.deleteIdentity(label); console.log(true);';
const ASK = `
  const before = Date.now();
  const answer = await settee.TLSIdentity.getProtection();
  console.log(JSON.stringify([answer, Date.now() - before]));`;

let count = 0;
let sessions: Session[] = [];

/** A folder for the files of a user's key ring, or for identities. */
function newFolder(name: string): string {
  count += 1;
  const path = join(folder, `${name}-${count}`);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** Logs a user in; the password opens the key ring unless `unlock` is false. */
async function login(keys: string, unlock = true): Promise<Session> {
  const session = new Session(keys);
  sessions.push(session);
  await session.startBus();
  await session.startKeyRing({ unlock });
  return session;
}

/** Runs a program in the session; `home` is where it keeps identities. */
function run(session: Session, home: string, body: string, label = 'desk') {
  const env = { ...session.env, SETTEE_HOME: home };
  return JSON.parse(runProgram(body, { label }, env).stdout);
}

function error(session: Session, home: string, body: string, label?: string): string {
  try {
    run(session, home, body, label);
  } catch (failure) {
    return String(failure);
  }
  return '';
}

function files(home: string): string[] {
  return readdirSync(join(home, 'identities')).sort();
}

afterEach(async () => {
  for (const session of sessions) {
    await session.stop();
  }
  sessions = [];
});

describe('with an open key ring', () => {
  withKeyRing('the key lies there and nowhere in the folder', async () => {
    const [keys, home] = [newFolder('keys'), newFolder('home')];
    const session = await login(keys);
    expect(run(session, home, ASK)[0]).toEqual(STRONG);
    expect(session.items()).not.toContain('attribute.username');
    const made = run(session, home, MAKE);
    expect(run(session, home, ASK)[0]).toEqual(STRONG);
    expect(run(session, home, READ)).toBe(made);
    expect(files(home)).toEqual(['.lock', 'desk.id', 'master.name']);

    // GNOME's own tool sees it under the name that the folder has.
    const name = readFileSync(join(home, 'identities', 'master.name'), 'utf8');
    expect(session.items()).toContain(`attribute.username = ${name}`);
    const secret = session.run('secret-tool', ['lookup', 'service', 'settee', 'username', name]);
    const key = Buffer.from(secret.stdout, 'base64');
    expect(key).toHaveLength(32);
    for (const file of files(home)) {
      const content = readFileSync(join(home, 'identities', file));
      expect(content.includes(key) || content.includes(secret.stdout)).toBe(false);
    }

    // After the next login too.
    await session.stop();
    const later = await login(keys);
    expect(run(later, home, READ)).toBe(made);
    // With the last identity it goes.
    run(later, home, MAKE, 'second');
    run(later, home, DELETE);
    expect(later.items()).toContain(name);
    run(later, home, DELETE, 'second');
    expect(later.items()).not.toContain('attribute.username');
    expect(files(home)).toEqual(['.lock']);
    expect(await later.calls()).toContain('SearchItems');
    expect((await later.calls()).filter((call) => /Prompt|Unlock/.test(call))).toEqual([]);
  });

  withKeyRing('nothing of it is touched until an identity needs a key', async () => {
    const session = await login(newFolder('keys'));
    const home = newFolder('home');
    const body = `
      const directory = new settee.DatabaseConfiguration(${JSON.stringify(newFolder('data'))});
      const database = new settee.Database('db', directory);
      await database.open();
      await settee.TLSIdentity.listIdentities();
      await settee.TLSIdentity.createIdentity({ attributes: { certAttrCommonName: 'x' } });
      await database.close();
      console.log(true);`;
    run(session, home, body);
    expect(await session.calls()).toEqual([]);
    run(session, home, MAKE);
    expect(await session.calls()).toContain('CreateItem');
  });

  withKeyRing('a key that was deleted there is an error that says what to do', async () => {
    const session = await login(newFolder('keys'));
    const home = newFolder('home');
    run(session, home, MAKE);
    session.run('secret-tool', ['clear', 'service', 'settee']);
    for (const [body, label] of [[READ], [MAKE, 'other']]) {
      const text = error(session, home, body, label);
      expect(text).toMatch(/Secret Service.*deleted there.*delete the identities/);
    }
    expect(files(home)).toEqual(['.lock', 'desk.id', 'master.name']);
    run(session, home, DELETE);
    run(session, home, MAKE);
    expect(run(session, home, ASK)[0]).toEqual(STRONG);
  });

  withKeyRing('a folder with a key in a file keeps it there', async () => {
    const session = await login(newFolder('keys'));
    const home = newFolder('home');
    const forced = { ...session.env, SETTEE_HOME: home, SETTEE_KEY_STORE: 'file' };
    runProgram(MAKE, { label: 'desk' }, forced);
    expect(await session.calls()).toEqual([]);
    expect(run(session, home, ASK)[0]).toEqual(WEAK);
    run(session, home, MAKE, 'second');
    expect(files(home)).toEqual(['.lock', 'desk.id', 'master.key', 'second.id']);
    expect(await session.calls()).toEqual([]);
  });
});

describe('with a locked key ring', () => {
  withKeyRing('the key lies in a file; nobody is asked, at once', async () => {
    const keys = newFolder('keys');
    await (await login(keys)).stop();
    const session = await login(keys, false);
    const home = newFolder('home');
    const [answer, took] = run(session, home, ASK);
    expect(answer).toEqual(WEAK);
    expect(took).toBeLessThan(AT_ONCE);
    run(session, home, MAKE);
    expect(files(home)).toEqual(['.lock', 'desk.id', 'master.key']);
    expect(await session.calls()).toContain('ReadAlias');
    const wrong = /Prompt|Unlock|CreateItem|CreateCollection/;
    expect((await session.calls()).filter((call) => wrong.test(call))).toEqual([]);
  });

  withKeyRing('identities that were made before wait until it is unlocked', async () => {
    const [keys, home] = [newFolder('keys'), newFolder('home')];
    const session = await login(keys);
    const made = run(session, home, MAKE);
    await session.stop();
    const locked = await login(keys, false);
    expect(run(locked, home, ASK)[0]).toEqual(STRONG);
    for (const [body, label] of [[READ], [MAKE, 'other']]) {
      expect(error(locked, home, body, label)).toMatch(/Secret Service.*it is locked\. Unlock/);
    }
    expect((await locked.calls()).filter((call) => /Prompt|Unlock/.test(call))).toEqual([]);
    await locked.stop();
    expect(run(await login(keys), home, READ)).toBe(made);
  });
});

describe('without an answer', () => {
  withKeyRing('a bus without a key ring costs no time', async () => {
    const session = new Session(newFolder('keys'));
    sessions.push(session);
    await session.startBus();
    const home = newFolder('home');
    const [answer, took] = run(session, home, ASK);
    expect(answer).toEqual(WEAK);
    expect(took).toBeLessThan(AT_ONCE);
    run(session, home, MAKE);
    expect(run(session, home, ASK)[0]).toEqual(WEAK);
  });

  withKeyRing('a key ring that hangs costs two seconds', async () => {
    const session = await login(newFolder('keys'));
    const home = newFolder('home');
    session.pauseKeyRing();
    const [answer, took] = run(session, home, ASK);
    expect(answer).toEqual(WEAK);
    expect(took).toBeGreaterThan(1900);
    expect(took).toBeLessThan(6000);
    run(session, home, MAKE);
    expect(files(home)).toEqual(['.lock', 'desk.id', 'master.key']);
  });

  it('no session bus, nothing is attempted', () => {
    const home = newFolder('home');
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      SETTEE_KEY_STORE: '',
      SETTEE_HOME: home,
    };
    delete env.DBUS_SESSION_BUS_ADDRESS;
    if (process.platform === 'linux') {
      const [answer, took] = JSON.parse(runProgram(ASK, {}, env).stdout);
      expect(answer).toEqual(WEAK);
      expect(took).toBeLessThan(AT_ONCE);
    }
  });

  it('an unknown SETTEE_KEY_STORE is refused', () => {
    const env = { ...process.env, SETTEE_KEY_STORE: 'vault', SETTEE_HOME: newFolder('home') };
    expect(() => runProgram(ASK, {}, env)).toThrow(
      'SETTEE_KEY_STORE is "vault", must be "file" or not be set',
    );
  });
});
