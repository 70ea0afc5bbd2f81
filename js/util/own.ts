/** True when `object` itself has `key`; inherited names such as `toString` do not count. */
export function hasOwn(object: object, key: PropertyKey): boolean {
  return Object.prototype.hasOwnProperty.call(object, key);
}

/**
 * Stores `value` under `key` as an own property, whatever the key is.
 *
 * A plain assignment to `__proto__` would replace the prototype instead.
 */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  } else {
    object[key] = value;
  }
}

/** Deletes the nested property that a dotted path names; a missing step ends the walk quietly. */
export function deletePath(object: object, path: string): void {
  const keys = path.split('.');
  const last = keys.pop() as string;
  let holder: unknown = object;
  for (const key of keys) {
    if (!isObject(holder) || !hasOwn(holder, key)) {
      return;
    }
    holder = (holder as Record<string, unknown>)[key];
  }
  if (isObject(holder) && hasOwn(holder, last)) {
    delete (holder as Record<string, unknown>)[last];
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
