/**
 * Defines an own property that does not show in logs, spreads, JSON or deep comparison.
 *
 * Engine references and other internals of API objects are kept this way (api §2.12).
 */
export function hide(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: false,
    writable: true,
    configurable: true,
  });
}
