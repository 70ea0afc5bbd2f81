/** Bytes of the texts of a batch of saves. */
const TEXT_BYTES = 256 * 1024;

/** Most bytes that a UTF-16 unit takes as UTF-8. */
const BYTES_A_UNIT = 3;

/** Numbers that describe a save: target, concurrency control, bytes of its id, bytes of its body. */
const HEAD_NUMBERS = 4;

/** Ids up to this length are written unit by unit, which for a short one is quickest. */
const SHORT_ID = 48;

/**
 * Saves without blobs that follow each other, on their way to the addon: their ids and bodies as one
 * piece of UTF-8, and numbers that say where each ends.
 *
 * The texts are written when the save is called, so that no string has to outlive its call.
 */
export class SaveRun {
  /** First call of the run; the others follow without a gap. */
  first = 0;
  count = 0;
  /** Index of its first number in {@link heads}. */
  head = 0;
  /** Offset of its first byte in {@link texts}. */
  text = 0;
  heads = new Int32Array(0);
  texts = Buffer.alloc(0);
  private headsEnd = 0;
  private textsEnd = 0;

  /** Whether nothing is to be handed over. */
  get isEmpty(): boolean {
    return this.headsEnd === 0;
  }

  /** Whether such a save fits at all. */
  mayTake(docId: string, body: string): boolean {
    return (docId.length + body.length) * BYTES_A_UNIT <= TEXT_BYTES;
  }

  /** Whether it still fits into what is not handed over yet. */
  hasRoomFor(docId: string, body: string): boolean {
    return this.textsEnd + (docId.length + body.length) * BYTES_A_UNIT <= TEXT_BYTES;
  }

  /** Whether the call would come right after the last one of the run. */
  continuesWith(call: number): boolean {
    return call === this.first + this.count;
  }

  add(call: number, target: number, docId: string, body: string, concurrency: number): void {
    if (this.texts.length === 0) {
      this.texts = Buffer.allocUnsafeSlow(TEXT_BYTES);
    }
    if (this.headsEnd + HEAD_NUMBERS > this.heads.length) {
      const grown = new Int32Array(Math.max(64, this.heads.length * 2));
      grown.set(this.heads);
      this.heads = grown;
    }
    if (this.count === 0) {
      this.first = call;
      this.head = this.headsEnd;
      this.text = this.textsEnd;
    }
    const { heads, texts } = this;
    const bodyAt = this.writeId(docId);
    const end = bodyAt + texts.write(body, bodyAt);
    const head = this.headsEnd;
    heads[head] = target;
    heads[head + 1] = concurrency;
    heads[head + 2] = bodyAt - this.textsEnd;
    heads[head + 3] = end - bodyAt;
    this.headsEnd = head + HEAD_NUMBERS;
    this.textsEnd = end;
    this.count++;
  }

  /** Ends the run; the next save begins another. */
  close(): void {
    this.count = 0;
    this.first = 0;
  }

  /** Forgets everything that was handed over. */
  clear(): void {
    this.close();
    this.headsEnd = 0;
    this.textsEnd = 0;
  }

  /** Writes an id and gives where it ends. */
  private writeId(docId: string): number {
    const { texts, textsEnd } = this;
    const { length } = docId;
    if (length <= SHORT_ID) {
      let at = 0;
      while (at < length) {
        const unit = docId.charCodeAt(at);
        if (unit > 0x7f) {
          break;
        }
        texts[textsEnd + at] = unit;
        at++;
      }
      if (at === length) {
        return textsEnd + length;
      }
    }
    return textsEnd + texts.write(docId, textsEnd);
  }
}
