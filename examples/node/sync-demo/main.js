// @ts-check

// Two peers sync a real data set over TLS. Two processes, two databases on disk: peer A listens, peer B replicates, each
// brings half of the records. Then both edit at once, both edit the same documents while apart, both close, and a third
// process judges from the files alone whether the two are equal. Exit code 0 means that they are.
//
//   npm start                                    or: node examples/node/sync-demo/main.js [--keep]
//   --keep   leave the two databases on disk and print where they are

const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { Child } = require('./child');
const { Progress } = require('./progress');
const { liveIds, conflictIds } = require('./plan');

/** Longest time for one step, milliseconds: far above what it takes, so that a fault ends with a message. */
const STEP_TIMEOUT = 60_000;
const RALLY_ROUNDS = 25;

/** @param {string} folder */
async function run(folder) {
  /** @type {Record<string, { message: string, fatal: boolean }[]>} */
  const problems = { A: [], B: [] };
  /** @type {(error: Error) => void} */
  let fail = () => {};
  /** @type {Promise<never>} */
  const failure = new Promise((_, reject) => {
    fail = reject;
  });
  failure.catch(() => {});

  let transfer = { pushed: 0, pulled: 0, idle: false };
  let onTransfer = () => {};
  /** @param {'A' | 'B'} name */
  const startPeer = (name) => {
    const peer = new Child(path.join(__dirname, 'peer.js'), {
      name: `peer ${name}`,
      args: [name],
      env: { SETTEE_HOME: path.join(folder, `home-${name}`), SETTEE_KEY_STORE: 'file' },
      onEvent: (event, data) => {
        if (event === 'transfer') {
          transfer = data;
          onTransfer();
        } else if (event === 'problem') {
          problems[name].push(data);
          if (data.fatal) fail(new Error(`peer ${name}: ${data.message}`));
        }
      },
    });
    peer.ended.then(() => fail(new Error(`peer ${name} ended before its time`)));
    return peer;
  };
  /** Awaits work, or the first failure of a peer. @template T @param {Promise<T>} work @returns {Promise<T>} */
  const step = (work) => Promise.race([work, failure]);
  const both = (/** @type {string} */ method, /** @type {any} */ args = undefined) =>
    step(Promise.all([a.call(method, args), b.call(method, args)]));

  const a = startPeer('A');
  const b = startPeer('B');
  const directories = { A: path.join(folder, 'peer-A'), B: path.join(folder, 'peer-B') };
  await step(
    Promise.all([
      a.call('open', { directory: directories.A }),
      b.call('open', { directory: directories.B }),
    ]),
  );
  say(`peer A is process ${a.pid}, peer B is process ${b.pid}`);

  say('\nEach peer loads half of the records');
  const [loadedA, loadedB] = await both('load');
  for (const [name, loaded] of [
    ['A', loadedA],
    ['B', loadedB],
  ]) {
    say(
      `  peer ${name}: ${loaded.documents} documents, ${loaded.attachments} attachments (${mib(loaded.bytes)}) in ${seconds(loaded.seconds)}`,
    );
  }

  // 1. The first sync.
  const login = { username: 'demo', password: crypto.randomBytes(18).toString('base64url') };
  const url = await step(a.call('listen', login));
  say(`\nPeer A listens on ${url} (TLS, password); peer B replicates both ways`);
  const total = loadedA.documents + loadedB.documents;
  const progress = new Progress();
  progress.add('pushed', 'B to A', loadedB.documents);
  progress.add('pulled', 'A to B', loadedA.documents);
  const synced = until(async () => {
    if (!transfer.idle) return false;
    const [countA, countB] = await Promise.all([a.call('counts'), b.call('counts')]);
    return countA === total && countB === total;
  });
  onTransfer = () => {
    progress.set('pushed', transfer.pushed);
    progress.set('pulled', transfer.pulled);
    synced.check();
  };
  const started = process.hrtime.bigint();
  await step(b.call('connect', { url, ...login }));
  await step(synced.done);
  const syncSeconds = Number(process.hrtime.bigint() - started) / 1e9;
  onTransfer = () => {};
  // Both counts are right, so everything has arrived, also what was not reported yet.
  progress.set('pushed', loadedB.documents);
  progress.set('pulled', loadedA.documents);
  progress.finish();

  // 2. Edits on both sides while both are connected.
  say('\nBoth edit, delete and create at once');
  await step(Promise.all([a.call('watch', liveIds('B')), b.call('watch', liveIds('A'))]));
  const editStarted = Date.now();
  const changed = await both('editLive');
  await both('seen');
  say(
    `  ${changed[0] + changed[1]} changes, all seen on the other side ${Date.now() - editStarted} ms after the first`,
  );
  await step(b.call('rally', { rounds: RALLY_ROUNDS }));
  const times = await step(a.call('rally', { rounds: RALLY_ROUNDS }));
  say(
    `  one document sent to and fro ${RALLY_ROUNDS} times: ${median(times).toFixed(1)} ms there and back (median)`,
  );

  // 3. The same documents edited on both sides while apart.
  say('\nPeer B goes offline, both edit the same films, peer B comes back');
  await step(b.call('disconnect'));
  await both('editApart');
  await step(b.call('reconnect'));
  await step(equal(a, b));
  const [winnersA, winnersB] = await both('winners');
  if (winnersA.join() !== winnersB.join())
    throw new Error('the peers do not agree on the outcome of the conflicts');
  const byB = winnersA.filter((/** @type {string} */ name) => name === 'B').length;
  say(
    `  ${conflictIds().length} conflicts: ${winnersA.length - byB} ended with A's film, ${byB} with B's, the same on both sides`,
  );

  // 4. Close, then let a third process judge.
  await step(b.call('close'));
  await step(a.call('close'));
  await Promise.all([a.stop(), b.stop()]);
  for (const name of ['A', 'B']) {
    for (const { message } of problems[name])
      say(`  (peer ${name} reported on the way: ${message})`);
  }

  say('\nBoth have closed. A third process reopens the files');
  const judge = new Child(path.join(__dirname, 'verify.js'), {
    name: 'verify',
    env: { SETTEE_HOME: path.join(folder, 'home-verify'), SETTEE_KEY_STORE: 'file' },
  });
  const foundA = await judge.call('inspect', directories.A, STEP_TIMEOUT);
  const foundB = await judge.call('inspect', directories.B, STEP_TIMEOUT);
  await judge.stop();

  const same = foundA.digest === foundB.digest;
  say('\n          documents  attachments  deleted  as source');
  for (const [name, found] of [
    ['A', foundA],
    ['B', foundB],
  ]) {
    const cells = [
      [found.documents, 9],
      [found.attachments, 11],
      [found.deleted, 7],
      [found.sourceRecords, 9],
    ];
    say(
      `  peer ${name}  ${cells.map(([value, width]) => String(value).padStart(width)).join('  ')}`,
    );
  }
  say(`  SHA-256 of A  ${foundA.digest}`);
  say(`  SHA-256 of B  ${foundB.digest}`);
  say(`  equal         ${same ? 'yes' : 'NO'}`);
  say(
    `\n  first sync: ${total} documents and ${loadedA.attachments + loadedB.attachments} attachments (${mib(loadedA.bytes + loadedB.bytes)}) ` +
      `in ${seconds(syncSeconds)}, ${Math.round(total / syncSeconds).toLocaleString('en')} documents per second`,
  );
  return same;
}

/**
 * Waits until B has nothing more to do and both have the same revisions.
 * @param {Child} a
 * @param {Child} b
 */
async function equal(a, b) {
  const deadline = Date.now() + STEP_TIMEOUT;
  while (Date.now() < deadline) {
    if (await b.call('settled')) {
      const [ofA, ofB] = await Promise.all([a.call('fingerprint'), b.call('fingerprint')]);
      if (ofA === ofB) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the peers were not equal within ${STEP_TIMEOUT / 1000} s`);
}

/**
 * A condition that is looked at when something happened, one look at a time, and every second in between.
 * @param {() => Promise<boolean>} condition
 */
function until(condition) {
  let looking = false;
  let again = false;
  let over = false;
  /** @type {{ resolve: () => void, reject: (error: Error) => void }} */
  let settle;
  /** @type {Promise<void>} */
  const done = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  const check = async () => {
    if (over) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    try {
      do {
        again = false;
        over = over || (await condition());
      } while (again && !over);
      if (over) finish(settle.resolve);
    } catch (error) {
      finish(() => settle.reject(/** @type {Error} */ (error)));
    } finally {
      looking = false;
    }
  };
  const poll = setInterval(check, 1_000);
  const limit = setTimeout(
    () =>
      finish(() =>
        settle.reject(new Error(`the sync was not done within ${STEP_TIMEOUT / 1000} s`)),
      ),
    STEP_TIMEOUT,
  );
  /** @param {() => void} outcome */
  const finish = (outcome) => {
    over = true;
    clearInterval(poll);
    clearTimeout(limit);
    outcome();
  };
  return { check, done };
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}

/** @param {number} bytes */
function mib(bytes) {
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}

/** @param {number} value */
function seconds(value) {
  return `${value.toFixed(2)} s`;
}

/** @param {number[]} values */
function median(values) {
  return values.slice().sort((x, y) => x - y)[Math.floor(values.length / 2)];
}

/** @param {string} folder @param {boolean} keep */
function cleanUp(folder, keep) {
  if (keep) say(`\nThe databases were left in ${folder}`);
  else fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function isBuilt() {
  try {
    require.resolve('settee');
    return true;
  } catch {
    return false;
  }
}

async function main() {
  if (!isBuilt()) {
    console.error(
      'settee is not built yet: run "npm start" in the folder of the checkout, it builds first.',
    );
    process.exitCode = 1;
    return;
  }
  const keep = process.argv.includes('--keep');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'settee sync '));
  let interrupted = false;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, async () => {
      interrupted = true;
      await Child.killAll();
      cleanUp(folder, keep);
      process.exit(130);
    });
  }
  try {
    if (!(await run(folder))) process.exitCode = 1;
  } catch (error) {
    if (!interrupted) console.error(`\nThe demo failed: ${/** @type {Error} */ (error).message}`);
    process.exitCode = 1;
  } finally {
    await Child.killAll();
    cleanUp(folder, keep);
  }
}

main();
