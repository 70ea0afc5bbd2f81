// @ts-check

// Loads a package, opens a database and reads one document, once, and prints how long that took and how much memory the
// process then has. argv: subject, folder, id of the document ('' for none). Without a subject: what bare Node has.

const [name, folder, id] = process.argv.slice(2);

async function main() {
  const started = process.hrtime.bigint();
  const milliseconds = () => Number(process.hrtime.bigint() - started) / 1e6;
  const result = { loaded: 0, opened: 0, read: 0, memory: 0 };
  if (name) {
    const subject = require('../subjects').load(name);
    result.loaded = milliseconds();
    const store = await subject.open(folder);
    result.opened = milliseconds();
    if (id) await store.read(id);
    result.read = milliseconds();
    result.memory = process.memoryUsage.rss();
    await store.close();
  } else {
    result.memory = process.memoryUsage.rss();
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
