/**
 * Runs real foreign clients against our listener.
 *
 *   node tests/interop/run.js              every scenario
 *   node tests/interop/run.js blobs TLS    those whose name has one of the words in it
 *
 * Prints one line a scenario: `ok - name`, `not ok - name` or `skip - name [skipped: reason]`,
 * and at the end `N scenarios`. Set CBL_LOG to see what Couchbase Lite logs when a scenario fails.
 */

const { couchbaseLiteJava } = require('../../scripts/peers/couchbase-lite-java');
const { PeerMissing } = require('../../scripts/peers/peer-missing');
const { pythonblip } = require('../../scripts/peers/pythonblip');
const { Scenario, within } = require('./lib/scenario');

/** Longest time for one scenario, milliseconds. */
const SCENARIO_LIMIT = 120_000;

const PEERS = [
  {
    name: 'Couchbase Lite Java CE 3.0.0',
    prepare: couchbaseLiteJava,
    scenarios: {
      ...require('./scenarios/couchbase-lite-java').scenarios,
      ...require('./scenarios/java-listener-trust').scenarios,
    },
  },
  {
    name: 'pythonblip 0.3.1',
    prepare: pythonblip,
    scenarios: require('./scenarios/pythonblip').scenarios,
  },
];

async function main() {
  const words = process.argv.slice(2);
  const chosen = (name) => words.length === 0 || words.some((word) => name.includes(word));
  let failures = 0;
  let total = 0;
  for (const peer of PEERS) {
    const names = Object.keys(peer.scenarios)
      .map((title) => ({ name: `${peer.name} ${title}`, body: peer.scenarios[title] }))
      .filter(({ name }) => chosen(name));
    if (names.length === 0) {
      continue;
    }
    const start = await prepare(peer);
    for (const { name, body } of names) {
      const outcome = typeof start === 'string' ? start : await play(start, name, body);
      total += 1;
      failures += outcome.startsWith('not ok') ? 1 : 0;
      console.log(outcome.replace('%', () => name));
    }
  }
  console.log(`${total} scenarios`);
  // Whatever a failed scenario left open must not keep the run alive.
  process.exit(failures === 0 ? 0 : 1);
}

/** What starts the peer, or the outcome of all its scenarios when it is missing. */
async function prepare({ prepare: fetchPeer }) {
  try {
    return await fetchPeer();
  } catch (error) {
    if (!(error instanceof PeerMissing)) {
      throw error;
    }
    const fails = process.env.CI === 'true' && !error.refused;
    return fails ? `not ok - % (${error.message})` : `skip - % [skipped: ${error.message}]`;
  }
}

async function play(start, name, body) {
  const scenario = new Scenario(start);
  const began = Date.now();
  let failure;
  try {
    await within(SCENARIO_LIMIT, 'the scenario', body(scenario));
  } catch (error) {
    failure = error;
  }
  try {
    await scenario.end();
  } catch (error) {
    failure = failure || error;
  }
  if (failure === undefined) {
    return `ok - % (${((Date.now() - began) / 1000).toFixed(1)} s)`;
  }
  console.log(`\n${name}\n${failure.stack}`);
  if (scenario.foreign?.complaints) {
    console.log(`The client said:\n${scenario.foreign.complaints}`);
  }
  return 'not ok - %';
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
