import { type ChildProcess, spawn, spawnSync } from 'child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { until } from './wait';

const PASSWORD = 'correct horse';

/** A bus that starts nothing by itself: every process is one that we started. */
const BUS = (socket: string) => `<!DOCTYPE busconfig PUBLIC
  "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>`;

/** A user's session: a D-Bus, perhaps with a real GNOME Keyring, in folders of its own. */
export class Session {
  /** Short: the path of a socket has at most 107 bytes. */
  private readonly folder = mkdtempSync(join(tmpdir(), 'settee-ring-'));
  private readonly address = `unix:path=${join(this.folder, 'bus')}`;
  private readonly processes: ChildProcess[] = [];
  private keyRing?: ChildProcess;
  private heard = '';
  private marks = 0;
  /** Of programs in this session. */
  readonly env: NodeJS.ProcessEnv;

  /** `keys` holds the key ring's files: sessions that share it are logins of the same user. */
  constructor(keys: string) {
    const own = (name: string) => {
      mkdirSync(join(this.folder, name), { recursive: true, mode: 0o700 });
      return join(this.folder, name);
    };
    this.env = {
      ...process.env,
      HOME: own('home'),
      XDG_RUNTIME_DIR: own('run'),
      XDG_CONFIG_HOME: own('config'),
      XDG_CACHE_HOME: own('cache'),
      XDG_DATA_HOME: keys,
      DBUS_SESSION_BUS_ADDRESS: this.address,
      // The other tests use no key store.
      SETTEE_KEY_STORE: '',
    };
  }

  async startBus(): Promise<void> {
    const config = join(this.folder, 'bus.conf');
    writeFileSync(config, BUS(join(this.folder, 'bus')));
    this.start('dbus-daemon', ['--nofork', '--nopidfile', `--config-file=${config}`]);
    await until(() => this.bus('GetId').status === 0, 'the bus');
  }

  /** Starts the key ring: with its default collection open, or as it lies on the disk: locked. */
  async startKeyRing({ unlock }: { unlock: boolean }): Promise<void> {
    const args = ['--foreground', '--components=secrets', ...(unlock ? ['--unlock'] : [])];
    this.keyRing = this.start('gnome-keyring-daemon', args);
    this.keyRing.stdin?.end(unlock ? PASSWORD : '');
    const isThere = () =>
      /true/.test(this.bus('NameHasOwner', 'string:org.freedesktop.secrets').stdout);
    await until(isThere, 'the key ring');
    const monitor = this.start('dbus-monitor', ['--address', this.address]);
    monitor.stdout?.on('data', (text) => {
      this.heard += text;
    });
    await until(() => this.heard !== '', 'the monitor');
  }

  /** Makes the key ring deaf. */
  pauseKeyRing(): void {
    this.keyRing?.kill('SIGSTOP');
  }

  /** The methods of the Secret Service that were called so far. */
  async calls(): Promise<string[]> {
    // What the monitor tells is in order: after this call it has told of all before.
    this.marks += 1;
    const mark = `settee.mark${this.marks}`;
    this.bus('NameHasOwner', `string:${mark}`);
    await until(() => this.heard.includes(`"${mark}"`), 'the monitor');
    const calls = this.heard.matchAll(
      /^method call .*interface=org\.freedesktop\.Secret\.\w+; member=(\w+)/gm,
    );
    return [...new Set([...calls].map(([, member]) => member))];
  }

  /** Runs a command of the session. */
  run(command: string, args: string[]) {
    return spawnSync(command, args, { env: this.env, encoding: 'utf8', timeout: 20000 });
  }

  /** What `secret-tool` finds of ours. */
  items(): string {
    const { stdout, stderr } = this.run('secret-tool', ['search', '--all', 'service', 'settee']);
    return stdout + stderr;
  }

  async stop(): Promise<void> {
    for (const child of this.processes.reverse()) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private start(command: string, args: string[]): ChildProcess {
    const child = spawn(command, args, { env: this.env, stdio: ['pipe', 'pipe', 'ignore'] });
    this.processes.push(child);
    return child;
  }

  private bus(method: string, ...args: string[]) {
    return this.run('dbus-send', [
      ...[`--bus=${this.address}`, '--print-reply', '--dest=org.freedesktop.DBus'],
      ...['/org/freedesktop/DBus', `org.freedesktop.DBus.${method}`, ...args],
    ]);
  }
}
