import { crc32, deflateSync } from 'zlib';

const SIZE = 320;

/** A PNG file that was drawn here: a stack of pancakes on a plate. */
export function picture(name: string): { name: string; mimeType: string; buffer: Buffer } {
  const rows: Buffer[] = [];
  for (let y = 0; y < SIZE; y += 1) {
    const row = Buffer.alloc(1 + 3 * SIZE);
    for (let x = 0; x < SIZE; x += 1) {
      row.set(colour(x, y), 1 + 3 * x);
    }
    rows.push(row);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIZE, 0);
  header.writeUInt32BE(SIZE, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const buffer = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return { name, mimeType: 'image/png', buffer };
}

function colour(x: number, y: number): [number, number, number] {
  const inside = (cx: number, cy: number, rx: number, ry: number) =>
    ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;
  if (inside(160, 118, 26, 16)) {
    return [250, 214, 92];
  }
  for (let layer = 0; layer < 4; layer += 1) {
    const top = 124 + 22 * layer;
    if (inside(160, top, 98, 26)) {
      return layer === 0 ? [214, 150, 74] : [196, 128, 58];
    }
    if (inside(160, top + 12, 98, 26)) {
      return [238, 196, 128];
    }
  }
  if (inside(160, 216, 140, 42)) {
    return [244, 246, 248];
  }
  return inside(160, 226, 148, 46) ? [206, 214, 222] : [118, 148, 140];
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
