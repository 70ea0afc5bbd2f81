/**
 * What a bundler for pages takes in place of `native/native-engine` (see `browser` in package.json):
 * a page reaches the engine through its preload script.
 */

import type { SetteeEngine } from '../engine/core-engine';
import { connectEngine } from './renderer';

/** The engine of this page. */
export function nativeEngine(): SetteeEngine {
  return connectEngine();
}
