const net = require('net');
const zlib = require('zlib');

const COMPRESSED = 0x08;
const IS_ACK = 0x04;

/**
 * A relay between a client and our listener (without TLS) that hears what both say. It can also make the client offer
 * another subprotocol than it does.
 */
class Wiretap {
  /** Listens for a client of the listener at `url`. Its own address is `url` afterwards. */
  static async start(url, { protocol } = {}) {
    const tap = new Wiretap();
    tap.target = new URL(url);
    tap.protocol = protocol;
    tap.sockets = new Set();
    tap.connections = [];
    tap.server = net.createServer((client) => tap.relay(client));
    await new Promise((resolve) => tap.server.listen(0, '127.0.0.1', resolve));
    const own = new URL(url);
    own.port = String(tap.server.address().port);
    tap.url = own.href;
    return tap;
  }

  relay(client) {
    const server = net.connect(Number(this.target.port), this.target.hostname);
    const connection = { client: new Direction(), server: new Direction() };
    this.connections.push(connection);
    let greeted = this.protocol === undefined;
    client.on('data', (data) => {
      let passed = data;
      if (!greeted) {
        greeted = true;
        const head = data.toString('latin1');
        const named = head.replace(/(Sec-WebSocket-Protocol: )[^\r]*/i, `$1${this.protocol}`);
        passed = Buffer.from(named, 'latin1');
      }
      connection.client.hear(passed);
      server.write(passed);
    });
    server.on('data', (data) => {
      connection.server.hear(data);
      client.write(data);
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        other.end();
      });
    }
  }

  /** All that the side, `client` or `server`, said in BLIP messages: properties end in NUL. */
  said(side) {
    return this.connections.map((connection) => connection[side].text()).join('\n');
  }

  /** Bytes of the side's WebSocket messages. */
  bytes(side) {
    const sizes = this.connections.map((connection) => connection[side].bytes());
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Forgets the connections so far. */
  forget() {
    this.connections = [];
  }

  async stop() {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** One direction of a connection: an HTTP head, then WebSocket messages with a BLIP frame in each. */
class Direction {
  constructor() {
    this.heard = Buffer.alloc(0);
  }

  hear(data) {
    this.heard = Buffer.concat([this.heard, data]);
  }

  *frames() {
    const head = this.heard.indexOf('\r\n\r\n');
    let rest = head < 0 ? Buffer.alloc(0) : this.heard.subarray(head + 4);
    let message = [];
    while (rest.length >= 2) {
      const [first, second] = rest;
      let length = second & 0x7f;
      let at = 2;
      if (length === 126) {
        length = rest.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        length = Number(rest.readBigUInt64BE(2));
        at = 10;
      }
      const mask = second & 0x80 ? rest.subarray(at, at + 4) : undefined;
      at += mask ? 4 : 0;
      if (rest.length < at + length) {
        return;
      }
      const payload = Buffer.from(rest.subarray(at, at + length));
      if (mask) {
        payload.forEach((byte, index) => {
          payload[index] = byte ^ mask[index & 3];
        });
      }
      rest = rest.subarray(at + length);
      const opcode = first & 0x0f;
      if (opcode <= 2) {
        message.push(payload);
        if (first & 0x80) {
          yield Buffer.concat(message);
          message = [];
        }
      }
    }
  }

  bytes() {
    let sum = 0;
    for (const frame of this.frames()) {
      sum += frame.length;
    }
    return sum;
  }

  text() {
    const plain = [];
    const deflated = [];
    for (const frame of this.frames()) {
      let at = 0;
      while (frame[at] & 0x80) {
        at += 1;
      }
      const flags = frame[at + 1];
      const payload = frame.subarray(at + 2, -4);
      if (flags & IS_ACK) {
        continue;
      }
      if (flags & COMPRESSED) {
        deflated.push(payload, Buffer.from([0, 0, 0xff, 0xff]));
      } else {
        plain.push(payload);
      }
    }
    const inflated = deflated.length
      ? zlib.inflateRawSync(Buffer.concat(deflated), { finishFlush: zlib.constants.Z_SYNC_FLUSH })
      : Buffer.alloc(0);
    return Buffer.concat([...plain, inflated]).toString('latin1');
  }
}

module.exports = { Wiretap };
