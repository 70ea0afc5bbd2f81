const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 of bytes, with padding. Neither `Buffer` nor `btoa` exists wherever this runs. */
export function base64FromBytes(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text +=
      DIGITS[group >> 18] +
      DIGITS[(group >> 12) & 63] +
      (left > 1 ? DIGITS[(group >> 6) & 63] : '=') +
      (left > 2 ? DIGITS[group & 63] : '=');
  }
  return text;
}

/** The bytes of base64 that the engine made; what is no digit of it is passed over. */
export function bytesFromBase64(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const digit of text) {
    const index = DIGITS.indexOf(digit);
    if (index < 0) {
      continue;
    }
    value = ((value << 6) | index) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
    }
  }
  return Uint8Array.from(bytes);
}
