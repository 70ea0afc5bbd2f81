/** Two peers that find each other on the local network and replicate (discovery §6). */

import { type ChildProcess, spawn, spawnSync } from 'child_process';
import { join } from 'path';
import { PeerBrowser, URLEndpointListener } from 'settee';
import { openDefault } from './support/peers';
import { scratchFolder } from './support/scratch';

const folder = scratchFolder();
const PEER = join(__dirname, 'support', 'discovery-peer.js');
const TWO_NETWORKS = join(__dirname, 'support', 'two-networks.js');

/** Whether a test may make networks of its own. */
const canUnshare =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-rn', 'sh', '-c', 'ip link add near type veth peer name far']).status ===
    0;

interface Message {
  ready?: number;
  listening?: string[];
  lost?: string;
  synced?: { error?: string; peer: any; fingerprint: string; from: string };
}

/** The messages of a process, until it ends. */
function messages(child: ChildProcess, hear: (message: Message) => void): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    const all: Message[] = [];
    let rest = '';
    let errors = '';
    child.stderr?.on('data', (text) => {
      errors += text;
    });
    child.stdout?.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        const message = JSON.parse(line);
        all.push(message);
        hear(message);
      }
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(all) : reject(new Error(errors))));
  });
}

function check(all: Message[], address: RegExp) {
  const synced = all.find((message) => message.synced !== undefined)?.synced;
  expect(synced).toMatchObject({
    from: 'passive',
    peer: { protocols: ['3'], deltas: true, readOnly: false },
  });
  expect(synced?.error).toBeUndefined();
  expect(synced?.peer.urls[0]).toMatch(address);
  // What was advertised is proved by the handshake.
  expect(synced?.peer.id).toBe(synced?.fingerprint);
  expect(synced?.peer.name).toMatch(/^[0-9a-f]{16}$/);
  expect(all.find((message) => message.lost !== undefined)?.lost).toBe(synced?.peer.name);
}

if (canUnshare) {
  it('in two network namespaces', async () => {
    const env = { ...process.env, SETTEE_HOME: join(folder, 'home') };
    const args = ['-rn', process.execPath, TWO_NETWORKS, PEER, folder, 'orchard'];
    const child = spawn('unshare', args, { env, timeout: 60000 });
    const all = await messages(child, () => undefined);
    check(all, /^wss:\/\/10\.77\.0\.1:\d+\/orchard$/);
    const listening = all.find((message) => message.listening !== undefined)?.listening;
    expect(listening?.[0]).toMatch(/10\.77\.0\.1/);
  }, 90000);
} else {
  it('over loopback, because this machine makes no network namespaces', async () => {
    const env = { ...process.env, SETTEE_HOME: join(folder, 'home') };
    const start = (role: string) =>
      spawn(process.execPath, [PEER, role, folder, 'orchard', 'loopback'], { env, timeout: 60000 });
    const [passive, active] = [start('passive'), start('active')];
    const theirs = messages(passive, ({ ready }) => ready && passive.stdin.write('go\n'));
    const all = await messages(active, (message) => {
      if (message.ready !== undefined) {
        active.stdin.write('go\n');
      } else if (message.synced !== undefined) {
        passive.stdin.write('leave\n');
      }
    });
    await theirs;
    check(all, /^wss:\/\/127\.0\.0\.1:\d+\/orchard$/);
  }, 90000);
}

it('advertises only a listener that runs, and a group that can be a name', async () => {
  const { database, collection } = await openDefault('quiet', folder);
  const listener = await URLEndpointListener.create({
    collections: [collection],
    networkInterface: 'loopback',
    disableTLS: true,
  });
  await expect(listener.advertise()).rejects.toThrow('only while it runs');
  await listener.start();
  for (const group of ['a.b', 'x'.repeat(64)]) {
    await expect(listener.advertise({ group })).rejects.toThrow('must be 1 to 63 bytes');
    await expect(PeerBrowser.start({ group }, () => undefined)).rejects.toThrow('must be 1 to 63');
  }
  await listener.stopAdvertising();
  await listener.advertise({ privacy: true });
  await database.close();
});

it('stops browsing once', async () => {
  const browser = await PeerBrowser.start({}, () => undefined);
  await browser.stop();
  await expect(browser.stop()).rejects.toThrow('No such listener found');
});
