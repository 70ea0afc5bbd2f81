/** A script for `webPreferences.preload`; it exports nothing. */
export {};
