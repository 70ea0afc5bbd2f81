import { ErrorCode, liteException } from '../api/couchbase-lite-exception';
import {
  type ArgumentKind,
  ENGINE_FUNCTIONS,
  type EngineFunctionName,
} from '../engine/engine-functions';

/**
 * Checks the arguments of a call by the list of engine functions, before they become JSON, which
 * would turn `NaN` into `null`.
 *
 * Throws a `CouchbaseLiteException` that names the first bad field. What a name stands for is
 * checked by the engine itself.
 */
export function checkArguments(name: EngineFunctionName, args: unknown): void {
  const { fields } = ENGINE_FUNCTIONS[name];
  const given = (args ?? {}) as Record<string, unknown>;
  for (const field of Object.keys(fields)) {
    // An answer may be anything.
    if (name !== 'callback_Answer' || field === 'question') {
      check(field, fields[field], given[field]);
    }
  }
}

function check(field: string, kind: ArgumentKind, value: unknown): void {
  const absent = value === undefined || value === null;
  switch (kind) {
    case 'text?':
      refuseUnless(absent || typeof value === 'string', field, 'a string');
      break;
    case 'number':
      refuseUnless(Number.isFinite(value), field, 'a number');
      break;
    case 'number?':
      refuseUnless(absent || Number.isFinite(value), field, 'a number or null');
      break;
    case 'boolean':
      refuseUnless(absent || typeof value === 'boolean', field, 'a boolean');
      break;
    case 'json':
      refuseUnless(!absent && isJson(value), field, 'an object or its JSON text');
      break;
    case 'json?':
      refuseUnless(absent || isJson(value), field, 'an object, its JSON text or null');
      break;
    case 'date?':
      refuseUnless(absent || isDate(value), field, 'a date, its ISO 8601 text or null');
      break;
    default:
      requiredText(field, value);
  }
}

function isJson(value: unknown): boolean {
  if (typeof value !== 'string' || value === '') {
    return typeof value === 'object' || value === '';
  }
  try {
    const parsed = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null;
  } catch {
    return false;
  }
}

function isDate(value: unknown): boolean {
  const date = Object.prototype.toString.call(value) === '[object Date]';
  return (date || typeof value === 'string') && !Number.isNaN(new Date(value as string).getTime());
}

function refuseUnless(good: boolean, field: string, wanted: string): void {
  if (!good) {
    throw invalid(`argument "${field}" must be ${wanted}`);
  }
}

/** A string that is not empty. */
export function requiredText(field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') {
    return value;
  }
  if (value === undefined || value === null) {
    throw invalid(`argument "${field}" is missing`);
  }
  throw invalid(`argument "${field}" ${value === '' ? 'is empty' : 'must be a string'}`);
}

/** UTF-16 that has no UTF-8 form would silently become another text on its way. */
export function wellFormed(field: string, text: string): string {
  if (!isWellFormed(text)) {
    throw invalid(`argument "${field}" has a lone surrogate`);
  }
  return text;
}

/** Node 20 has a built-in that only looks at strings which can hold surrogates at all. */
const BUILT_IN = (String.prototype as { isWellFormed?(): boolean }).isWellFormed;

function isWellFormed(text: string): boolean {
  if (BUILT_IN !== undefined) {
    return BUILT_IN.call(text);
  }
  return !(
    /[\ud800-\udfff]/.test(text) &&
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)
  );
}

export function invalid(message: string): Error {
  return liteException(ErrorCode.InvalidParameter, message);
}
