/**
 * A settee peer in a process of its own, so that a scenario can kill it.
 *
 *   node listener-process.js DIRECTORY PORT
 *
 * Says {"event": "listening", "url"} and listens until standard input ends.
 */

const { SetteePeer } = require('./settee-peer');

async function main() {
  const [directory, port] = process.argv.slice(2);
  const settee = await SetteePeer.open(directory);
  const url = await settee.listen({ port: Number(port) });
  console.log(JSON.stringify({ event: 'listening', url }));
  process.stdin.resume().on('end', () => settee.close());
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
