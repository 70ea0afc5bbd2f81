/**
 * Turns a `file://` URL into a path; anything else is returned untouched.
 *
 * `file:///C:/data` gives `C:/data`, percent escapes are decoded.
 */
export function stripFileScheme(path: string): string {
  if (!path.startsWith('file://')) {
    return path;
  }
  const withoutHost = path.slice('file://'.length).replace(/^localhost(?=\/)/, '');
  const decoded = decodePercent(withoutHost);
  return /^\/[A-Za-z]:/.test(decoded) ? decoded.slice(1) : decoded;
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
