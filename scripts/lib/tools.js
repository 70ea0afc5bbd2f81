const { capture } = require('./run');

const NODE = [20, 17];
const RUST = [1, 89];

/** One line for each tool that is missing or too old; empty when all is there. */
function missingTools() {
  const missing = [];
  const need = (ok, line) => ok || missing.push(line);

  need(
    atLeast(process.versions.node, NODE),
    `Node ${NODE.join('.')} or newer is needed, this is ${process.versions.node}`,
  );
  for (const tool of ['cargo', 'rustc']) {
    const version = capture(tool, ['--version']);
    const wanted = `${tool} ${RUST.join('.')} or newer is needed (Rust, by rustup)`;
    need(version !== undefined, `${wanted}, none was found`);
    need(version === undefined || atLeast(version, RUST), `${wanted}, this is ${version}`);
  }
  if (process.platform !== 'win32') {
    const compilers = [process.env.CC, 'cc', 'gcc', 'clang'].filter(Boolean);
    need(
      compilers.some((compiler) => capture(compiler, ['--version']) !== undefined),
      'a C compiler is needed (cc, gcc or clang), none was found',
    );
  }
  return missing;
}

function atLeast(version, [major, minor]) {
  const match = /(\d+)\.(\d+)/.exec(version);
  if (match === null) {
    return false;
  }
  const [haveMajor, haveMinor] = [Number(match[1]), Number(match[2])];
  return haveMajor > major || (haveMajor === major && haveMinor >= minor);
}

module.exports = { missingTools };
