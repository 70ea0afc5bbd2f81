/**
 * Runs a program in two networks that are joined by a cable: `unshare -rn node two-networks.js
 * PROGRAM ARGS…` runs it as `passive` here and as `active` in another network, and prints what both
 * print.
 */

const { execFileSync, spawn } = require('child_process');

const [program, ...args] = process.argv.slice(2);
const sh = (command) =>
  execFileSync('sh', ['-ec', command], { stdio: ['ignore', 'inherit', 'inherit'] });

const passive = spawn(process.execPath, [program, 'passive', ...args], {
  stdio: ['pipe', 'pipe', 2],
});
const active = spawn('unshare', ['-n', process.execPath, program, 'active', ...args], {
  stdio: ['pipe', 'pipe', 2],
});

let ready = 0;

function hear(peer) {
  let rest = '';
  peer.stdout.on('data', (data) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop();
    for (const text of lines) {
      process.stdout.write(`${text}\n`);
      const message = JSON.parse(text);
      if (message.ready !== undefined) {
        ready += 1;
        if (ready === 2) {
          join();
        }
      }
      if (message.synced !== undefined) {
        passive.stdin.write('leave\n');
      }
    }
  });
}

function join() {
  sh(`
    ip link set lo up
    ip link add near type veth peer name far
    ip link set far netns ${active.pid}
    ip addr add 10.77.0.1/24 dev near
    ip link set near up
    nsenter -t ${active.pid} -n sh -ec '
      ip link set lo up
      ip addr add 10.77.0.2/24 dev far
      ip link set far up
    '
  `);
  passive.stdin.write('go\n');
  active.stdin.write('go\n');
}

hear(passive);
hear(active);
active.on('close', (code) => {
  passive.kill();
  process.exit(code === null ? 1 : code);
});
