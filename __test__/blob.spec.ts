import { mkdtempSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { Blob } from 'settee';
import { runInNewContext } from 'vm';

describe('Blob', () => {
  it('copies exactly the range that a Buffer shows', () => {
    const buffer = Buffer.from('hello world').subarray(6, 11);
    const blob = new Blob('text/plain', buffer);
    expect(blob.bytes.byteLength).toBe(5);
    buffer[0] = 0;
    expect(Buffer.from(blob.getBytes()).toString()).toBe('world');
  });

  it('keeps an ArrayBuffer as it is', () => {
    const { buffer } = new Uint8Array([1, 2]);
    expect(new Blob('a/b', buffer).bytes).toBe(buffer);
  });

  it('takes any view', () => {
    const blob = new Blob('a/b', new Uint16Array([0x0201, 0x0403]).subarray(1));
    expect(Array.from(blob.getBytes())).toEqual([3, 4]);
  });

  it('knows an ArrayBuffer of another realm', () => {
    const foreign = runInNewContext('new Uint8Array([5, 6]).buffer') as ArrayBuffer;
    expect(Array.from(new Blob('a/b', foreign).getBytes())).toEqual([5, 6]);
    const view = runInNewContext('new Uint8Array([7, 8, 9]).subarray(1)') as Uint8Array;
    expect(Array.from(new Blob('a/b', view).getBytes())).toEqual([8, 9]);
  });

  it('has a view on its bytes, not a copy', () => {
    const blob = new Blob('a/b', new Uint8Array([1]));
    blob.getBytes()[0] = 9;
    expect(Array.from(blob.getBytes())).toEqual([9]);
  });

  it('is empty without data, and knows neither digest nor length when an application makes it', () => {
    const blob = new Blob('a/b', undefined as any);
    expect(blob.getBytes()).toHaveLength(0);
    expect(blob.getDigest()).toBeUndefined();
    expect(blob.getLength()).toBeUndefined();
    expect(blob.getContentType()).toBe('a/b');
  });

  it('gives a dictionary of numbers', () => {
    expect(new Blob('a/b', new Uint8Array([0, 255])).toDictionary()).toEqual({
      contentType: 'a/b',
      data: [0, 255],
    });
  });

  describe('fromJSON', () => {
    it('takes bytes modulo 256', () => {
      const blob = Blob.fromJSON({ contentType: 'a/b', bytes: [1, 256, -1] });
      expect(Array.from(blob.getBytes())).toEqual([1, 0, 255]);
    });

    it.each([
      [{ bytes: [] }, 'Invalid or missing contentType property'],
      [{ contentType: '', bytes: [] }, 'Invalid or missing contentType property'],
      [null, 'Invalid or missing contentType property'],
      [{ contentType: 'a/b' }, 'Invalid or missing bytes property'],
      [{ contentType: 'a/b', bytes: 'x' }, 'Invalid or missing bytes property'],
    ])('refuses %j', (json, reason) => {
      expect(() => Blob.fromJSON(json)).toThrow(`Failed to parse Blob JSON: ${reason}`);
    });
  });

  describe('fromFile', () => {
    const folder = mkdtempSync(join(tmpdir(), 'settee blob '));
    const file = join(folder, 'a b.txt');
    writeFileSync(file, 'content');
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('reads nothing before it is asked to', () => {
      const blob = Blob.fromFile('text/plain', join(folder, 'absent'));
      expect(blob.getContentType()).toBe('text/plain');
      expect(() => blob.getBytes()).toThrow('ENOENT');
    });

    it('gives the bytes of the file', () => {
      expect(Buffer.from(Blob.fromFile('text/plain', file).getBytes()).toString()).toBe('content');
    });

    it('takes a file URL', () => {
      const url = `file://${file.replace(/ /g, '%20')}`;
      expect(Buffer.from(Blob.fromFile('text/plain', url).getBytes()).toString()).toBe('content');
    });
  });
});
