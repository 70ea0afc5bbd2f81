/**
 * Where a database lives and how it is encrypted.
 *
 * Plain data: applications also assign the fields directly. An empty or missing directory means
 * the default one (`FileSystem.getDefaultPath()`), an empty or missing key means not encrypted.
 * Source: api §4.2.
 */
export class DatabaseConfiguration {
  directory: string;
  encryptionKey: string;
  /** Waits for the disk at every commit (`synchronous=FULL`); off by default (design D3). */
  fullSync?: boolean;

  constructor();
  constructor(directory: string | null | undefined);
  constructor(directory: string | null | undefined, encryptionKey: string | null | undefined);
  constructor(other: DatabaseConfiguration);
  constructor(
    directoryOrOther?: string | DatabaseConfiguration | null,
    encryptionKey?: string | null,
  );
  constructor(
    directoryOrOther?: string | DatabaseConfiguration | null,
    encryptionKey?: string | null,
  ) {
    if (directoryOrOther instanceof DatabaseConfiguration) {
      this.directory = directoryOrOther.directory;
      this.encryptionKey = directoryOrOther.encryptionKey;
      if (directoryOrOther.fullSync !== undefined) {
        this.fullSync = directoryOrOther.fullSync;
      }
      return;
    }
    if (typeof directoryOrOther === 'string') {
      this.directory = directoryOrOther;
    } else if (typeof encryptionKey !== 'string') {
      this.directory = undefined as unknown as string;
    }
    if (typeof encryptionKey === 'string') {
      this.encryptionKey = encryptionKey;
    }
  }

  getDirectory(): string {
    return this.directory;
  }

  setDirectory(directory: string | null | undefined): this {
    this.directory = directory as string;
    return this;
  }

  getEncryptionKey(): string {
    return this.encryptionKey;
  }

  setEncryptionKey(key: string | null | undefined): this {
    this.encryptionKey = key as string;
    return this;
  }

  getFullSync(): boolean {
    return this.fullSync === true;
  }

  setFullSync(fullSync: boolean): this {
    this.fullSync = fullSync;
    return this;
  }
}
