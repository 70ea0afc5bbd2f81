/** Whether the JSON text of documents may hold blobs: a quick look, before documents are searched. */
export function mayHoldBlobs(text: string): boolean {
  return text.includes('"@type":"blob"');
}

/**
 * Gives the blobs among the properties of a document a `raw` getter, from which cbl-ionic 0.2.6
 * makes its synchronous `getBlob` (api §16.1).
 *
 * It is not enumerable, so it shows neither in keys nor in JSON nor in comparisons, and reads the
 * bytes when it is asked for.
 */
export function addRawBlobs(
  document: { _data?: Record<string, any> },
  read: (digest: string) => Uint8Array,
): void {
  const data = document._data ?? {};
  for (const key of Object.keys(data)) {
    const value = data[key];
    if (value !== null && typeof value === 'object' && value['@type'] === 'blob') {
      Object.defineProperty(value, 'raw', {
        get: () => read(String(value.digest)),
        enumerable: false,
        configurable: true,
      });
    }
  }
}
