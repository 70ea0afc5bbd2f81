const crypto = require('crypto');
const tls = require('tls');
const {
  Blob,
  Database,
  DatabaseConfiguration,
  MutableDocument,
  URLEndpointListener,
} = require('../../..');

/** Our side of a scenario: a database on disk and a listener, through the public API. */
class SetteePeer {
  static async open(directory, collectionNames = ['_default._default']) {
    const peer = new SetteePeer();
    peer.database = new Database('db', new DatabaseConfiguration(directory));
    await peer.database.open();
    peer.collections = new Map();
    for (const name of collectionNames) {
      const [scope, collection] = name.split('.');
      peer.collections.set(
        name,
        collection === '_default'
          ? await peer.database.defaultCollection()
          : await peer.database.createCollection(collection, scope),
      );
    }
    peer.listener = undefined;
    return peer;
  }

  /** The named collection; without a name the first one. */
  collection(name = this.collections.keys().next().value) {
    return this.collections.get(name);
  }

  /** Starts to listen, without TLS unless `options` say otherwise. Resolves with the URL. */
  async listen(options = {}) {
    this.listener = await URLEndpointListener.create({
      collections: [...this.collections.values()].map((collection) => collection.toJson()),
      port: 0,
      networkInterface: '127.0.0.1',
      disableTLS: true,
      ...options,
    });
    await this.listener.start();
    const scheme = options.disableTLS === false ? 'wss' : 'ws';
    return `${scheme}://127.0.0.1:${this.listener.getPort()}/db`;
  }

  /** The listener's certificate (DER), as anyone who connects sees it. */
  certificate() {
    return new Promise((resolve, reject) => {
      const options = {
        port: this.listener.getPort(),
        host: '127.0.0.1',
        // The question is which certificate is shown; nothing is sent.
        rejectUnauthorized: false,
      };
      const socket = tls.connect(options, () => {
        const { raw } = socket.getPeerCertificate();
        socket.destroy();
        resolve(raw);
      });
      socket.on('error', reject);
    });
  }

  /** Saves `{ id, body, blobs: { key: { type, bytes } } }`; a stored document is replaced. */
  async save(documents, name) {
    const collection = this.collection(name);
    await Promise.all(
      documents.map(({ id, body, blobs = {} }) => {
        const document = new MutableDocument(id, body);
        for (const [key, { type, bytes }] of Object.entries(blobs)) {
          document.setBlob(key, new Blob(type, bytes));
        }
        return collection.save(document);
      }),
    );
  }

  async delete(ids, name) {
    const collection = this.collection(name);
    for (const id of ids) {
      await collection.deleteDocument(await collection.document(id));
    }
  }

  /** Those of the documents that are live, as the Java client describes its own. */
  async documents(ids, name) {
    const collection = this.collection(name);
    const described = {};
    for (const id of ids) {
      const document = await collection.document(id);
      if (document === undefined) {
        continue;
      }
      const blobs = {};
      for (const key of document.getKeys()) {
        const value = document.getValue(key);
        if (value !== null && value['@type'] === 'blob') {
          const content = Buffer.from(await document.getBlobContent(key));
          const sha256 = crypto.createHash('sha256').update(content).digest('hex');
          blobs[key] = { type: value.content_type, length: content.length, sha256 };
        }
      }
      described[id] = { rev: document.getRevisionID(), body: document.getData(), blobs };
    }
    return described;
  }

  async count(name) {
    return (await this.collection(name).count()).count;
  }

  async stopListening() {
    await this.listener?.stop();
    this.listener = undefined;
  }

  async close() {
    await this.stopListening();
    await this.database.close();
  }
}

module.exports = { SetteePeer };
