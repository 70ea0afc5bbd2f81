import { spawn, spawnSync } from 'child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'fs';
import { join } from 'path';

/** Whether there is an OpenSSL command of version 3. */
export const hasOpenSSL = /^OpenSSL 3/.test(
  spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '',
);

/** Runs `openssl`; throws with what it said when it fails. */
export function openssl(folder: string, args: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, {
    cwd: folder,
    encoding: 'utf8',
    input,
    timeout: 20000,
  });
  if (status !== 0) {
    throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  }
  return stdout;
}

/** What `openssl s_client` said and how it ended. */
export interface Talk {
  status: number | null;
  output: string;
}

/**
 * Connects `openssl s_client` to a port of this machine, while we go on. Sends `input` and leaves
 * once it has heard what `heard` describes; without either it leaves as soon as it can.
 */
export function talk(
  folder: string,
  port: number | string,
  args: string[] = [],
  { input = '', heard = /Verify return code/ }: { input?: string; heard?: RegExp } = {},
): Promise<Talk> {
  return new Promise((resolve, reject) => {
    const client = spawn(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${port}`, '-no_ign_eof', ...args],
      { cwd: folder, timeout: 20000 },
    );
    let output = '';
    const hear = (text: Buffer) => {
      output += text.toString('latin1');
      if (heard.test(output)) {
        client.stdin.end();
      }
    };
    client.stdout.on('data', hear);
    client.stderr.on('data', hear);
    client.on('error', reject);
    client.on('close', (status) => resolve({ status, output }));
    client.stdin.on('error', () => undefined);
    client.stdin.write(input);
  });
}

/** A running `openssl s_server`. */
export interface Stranger {
  port: number;
  /** What it has said. */
  heard(): string;
  stop(): Promise<void>;
}

/** Starts `openssl s_server -www`: TLS, and a page over HTTP for whoever asks. */
export function serve(folder: string, certificate: Issued, args: string[] = []): Promise<Stranger> {
  return new Promise((resolve, reject) => {
    const server = spawn(
      'openssl',
      [
        ...['s_server', '-accept', '127.0.0.1:0', '-www'],
        ...['-cert', certificate.certificate, '-key', certificate.key, ...args],
      ],
      { cwd: folder },
    );
    let output = '';
    const hear = (text: Buffer) => {
      output += text.toString('latin1');
      const accepting = /ACCEPT [^\n]*:(\d+)/.exec(output);
      if (accepting !== null) {
        resolve({
          port: Number(accepting[1]),
          heard: () => output,
          stop: () =>
            new Promise((done) => {
              server.on('close', () => done());
              server.kill('SIGKILL');
            }),
        });
      }
    };
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    server.on('error', reject);
    server.on('close', () => reject(new Error(`openssl s_server ended: ${output}`)));
  });
}

/** Files of a certificate. */
export interface Issued {
  /** Names without the folder. */
  key: string;
  certificate: string;
  folder: string;
  /** Base64 of the DER. */
  base64: string;
}

export interface IssueOptions {
  /** `rsa:2048` or the name of a curve. */
  key?: string;
  /** Issuer; self-signed without. */
  by?: Issued;
  isAuthority?: boolean;
  /** As OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`. */
  names?: string;
  /** Days; may be negative only for those that an authority signs. */
  days?: number;
  usage?: 'serverAuth' | 'clientAuth';
}

/** Makes a key and a certificate. */
export function issue(folder: string, name: string, options: IssueOptions = {}): Issued {
  mkdirSync(folder, { recursive: true });
  const { key = 'prime256v1', by, isAuthority = false, names, days = 30, usage } = options;
  const issued = { key: `${name}.key`, certificate: `${name}.pem`, folder, base64: '' };
  if (key.startsWith('rsa:')) {
    openssl(folder, ['genrsa', '-out', issued.key, key.slice(4)]);
  } else {
    openssl(folder, ['ecparam', '-name', key, '-genkey', '-noout', '-out', issued.key]);
  }
  const extensions = [
    `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
    ...(names === undefined ? [] : [`subjectAltName=${names}`]),
    ...(usage === undefined ? [] : [`extendedKeyUsage=${usage}`]),
    ...(isAuthority ? ['keyUsage=critical,keyCertSign'] : []),
  ];
  writeFileSync(join(folder, `${name}.ext`), extensions.join('\n'));
  openssl(folder, [
    'req',
    '-new',
    '-key',
    issued.key,
    '-subj',
    `/CN=${name}`,
    '-out',
    `${name}.csr`,
  ]);
  const signer =
    by === undefined
      ? ['-signkey', issued.key]
      : ['-CA', by.certificate, '-CAkey', by.key, '-CAcreateserial'];
  openssl(folder, [
    ...['x509', '-req', '-in', `${name}.csr`, '-extfile', `${name}.ext`, '-days', String(days)],
    ...['-out', issued.certificate, ...signer],
  ]);
  return { ...issued, base64: derOf(folder, issued.certificate) };
}

/** Base64 of the DER of a PEM file's first certificate. */
export function derOf(folder: string, file: string): string {
  const pem = readFileSync(join(folder, file), 'utf8');
  const [, body] = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(pem) as RegExpExecArray;
  return body.replace(/\s/g, '');
}

/** A PKCS#12 file of a certificate and its key, as base64. */
export function pkcs12(issued: Issued, password: string, more: string[] = []): string {
  const out = `${issued.certificate}.p12`;
  openssl(issued.folder, [
    ...['pkcs12', '-export', '-inkey', issued.key, '-in', issued.certificate],
    ...['-out', out, '-passout', `pass:${password}`, ...more],
  ]);
  return readFileSync(join(issued.folder, out)).toString('base64');
}
