import { hide } from '../util/hidden';

/**
 * Gives the documents of an event that went well an `error` of null that shows nowhere.
 *
 * The classes of cbl-ionic 0.2.6 ask every document for `error !== null` and then for its message;
 * the payload itself has no such field (api §15.10).
 */
export function addNullErrors(payload: any): void {
  if (Array.isArray(payload?.documents)) {
    for (const document of payload.documents) {
      if (typeof document === 'object' && document !== null && document.error === undefined) {
        hide(document, 'error', null);
      }
    }
  }
}
