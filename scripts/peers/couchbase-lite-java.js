const fs = require('fs');
const path = require('path');
const { fingerprint, readStamp, writeStamp } = require('../lib/fingerprint');
const { ROOT, capture, run } = require('../lib/run');
const { download, need } = require('./packages');
const { PeerMissing } = require('./peer-missing');

const SOURCES = path.join(ROOT, 'tests', 'interop', 'java');
const BUILT = path.join(ROOT, 'tmp', 'interop', 'couchbase-lite-java');

/** Libraries of ICU 54 that the client's native library asks for by name. */
const ICU_54 = ['libicuuc.so.54', 'libicui18n.so.54', 'libicudata.so.54'];

/**
 * Fetches Couchbase Lite Java CE, compiles the program that drives it and the libraries it lacks.
 *
 * Resolves with `{ command, args, env }` that start the program; its own argument is a scratch
 * folder. Throws `PeerMissing`. What is there already is left alone.
 */
async function couchbaseLiteJava() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new PeerMissing(`the client has no library for ${process.platform} ${process.arch}`);
  }
  await need('a JDK', () => found('javac', '-version'), ['default-jdk-headless']);
  await need('a C compiler', () => found('cc', '--version'), ['gcc', 'libc6-dev']);
  await need('ICU (libicuuc, libicui18n)', () => installedIcu() !== undefined, ['libicu-dev']);
  const icu = installedIcu();
  const jars = path.join(BUILT, 'jars');
  const classes = path.join(BUILT, 'classes');
  const libraries = path.join(BUILT, 'icu54');
  const start = {
    command: 'java',
    args: [
      // A client lives for seconds: start fast rather than run fast.
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-Xmx512m',
      '-cp',
      [classes, path.join(jars, '*')].join(path.delimiter),
      'Peer',
    ],
    env: { LD_LIBRARY_PATH: libraries },
  };
  const stamp = fingerprint(['tests/interop/java'], [JSON.stringify(icu)]);
  if (fs.existsSync(classes) && readStamp('couchbase-lite-java') === stamp) {
    return start;
  }
  fs.rmSync(BUILT, { recursive: true, force: true });
  for (const folder of [jars, classes, libraries]) {
    fs.mkdirSync(folder, { recursive: true });
  }
  await need('Maven', () => found('mvn', '--version'), ['maven']);
  await download('Couchbase Lite Java CE', 'mvn', [
    ...['-q', '-B', '-f', path.join(SOURCES, 'pom.xml')],
    'dependency:copy-dependencies',
    `-DoutputDirectory=${jars}`,
  ]);
  const classpath = path.join(jars, '*');
  const sources = [path.join(SOURCES, 'Peer.java')];
  await compile('javac', ['-cp', classpath, '-d', classes, ...sources]);
  for (const name of ICU_54) {
    const library = path.join(libraries, name);
    await compile('cc', [
      ...['-shared', '-fPIC', '-O1', `-DICU=${icu.version}`, `-Wl,-soname,${name}`],
      ...['-o', library, path.join(SOURCES, 'icu54.c'), '-Wl,--no-as-needed', icu.i18n, icu.uc],
    ]);
  }
  writeStamp('couchbase-lite-java', stamp);
  return start;
}

/** `{ version, uc, i18n }`: version and paths of the newest ICU of which both libraries are there. */
function installedIcu() {
  const listed = capture('/sbin/ldconfig', ['-p']) || '';
  const paths = new Map();
  for (const [, name, file] of listed.matchAll(/^\s*(libicu\S+)\s.*x86-64.*=> (\S+)$/gm)) {
    paths.set(name, file);
  }
  const versions = [...paths.keys()]
    .map((name) => /^libicui18n\.so\.(\d+)$/.exec(name))
    .filter((match) => match !== null && paths.has(`libicuuc.so.${match[1]}`))
    .map((match) => Number(match[1]))
    .sort((a, b) => b - a);
  const version = versions[0];
  return version === undefined
    ? undefined
    : {
        version,
        uc: paths.get(`libicuuc.so.${version}`),
        i18n: paths.get(`libicui18n.so.${version}`),
      };
}

function found(command, argument) {
  return capture(command, [argument]) !== undefined;
}

/** A compiler that fails on our own sources is an error of ours, never a missing peer. */
async function compile(command, args) {
  const { code } = await run(command, args);
  if (code !== 0) {
    throw new Error(`${command} failed (exit ${code})`);
  }
}

module.exports = { couchbaseLiteJava };
