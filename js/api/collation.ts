/** How strings are compared. Source: api §8.2. */
export class Collation {
  protected _unicode: boolean;
  protected _ignoreCase: boolean;
  protected _ignoreAccents: boolean;
  protected _locale: string | null;

  constructor(unicode = false) {
    this._unicode = unicode;
    this._ignoreCase = false;
    this._ignoreAccents = false;
    this._locale = null;
  }

  static ascii(): CollationASCII {
    return new CollationASCII();
  }

  static unicode(): CollationUnicode {
    return new CollationUnicode();
  }

  asJSON(): any {
    return {
      UNICODE: this._unicode,
      LOCALE: this._locale,
      CASE: !this._ignoreCase,
      DIAC: !this._ignoreAccents,
    };
  }

  toString(): string {
    return (
      `Collation{unicode=${this._unicode}, ignoreCase=${this._ignoreCase}, ` +
      `ignoreAccents=${this._ignoreAccents}, locale='${this._locale}'}`
    );
  }
}

/** Compares by byte; only ASCII letters can be equal regardless of case. */
export class CollationASCII extends Collation {
  constructor() {
    super(false);
  }

  ignoreCase(ignoreCase: boolean): this {
    this._ignoreCase = ignoreCase;
    return this;
  }
}

/** Compares by the Unicode collation algorithm. */
export class CollationUnicode extends Collation {
  constructor() {
    super(true);
  }

  ignoreCase(ignoreCase: boolean): this {
    this._ignoreCase = ignoreCase;
    return this;
  }

  ignoreAccents(ignoreAccents: boolean): this {
    this._ignoreAccents = ignoreAccents;
    return this;
  }

  /** ISO 639 code such as `en`. */
  locale(locale: string | null): this {
    this._locale = locale;
    return this;
  }
}
