// @ts-check

// Progress on a terminal as a bar that is redrawn, elsewhere as one line per quarter.

const WIDTH = 28;

class Progress {
  /** @param {NodeJS.WriteStream} [out] */
  constructor(out = process.stdout) {
    this.out = out;
    this.live = Boolean(out.isTTY) && process.env.TERM !== 'dumb';
    /** @type {Map<string, { label: string, total: number, done: number, shown: number }>} */
    this.bars = new Map();
    this.drawn = 0;
    this.lastDraw = 0;
  }

  /**
   * Adds a bar.
   * @param {string} key
   * @param {string} label
   * @param {number} total
   */
  add(key, label, total) {
    this.bars.set(key, { label, total, done: 0, shown: -1 });
  }

  /**
   * Moves a bar; it never goes past its total.
   * @param {string} key
   * @param {number} done
   */
  set(key, done) {
    const bar = this.bars.get(key);
    if (!bar) return;
    bar.done = Math.min(done, bar.total);
    if (this.live) {
      if (Date.now() - this.lastDraw >= 40) this.draw();
      return;
    }
    const quarter = Math.floor((bar.done / Math.max(bar.total, 1)) * 4);
    if (quarter <= bar.shown) return;
    bar.shown = quarter;
    if (quarter > 0) this.out.write(`  ${describe(bar)}\n`);
  }

  draw() {
    this.lastDraw = Date.now();
    if (this.drawn) this.out.write(`\x1b[${this.drawn}A`);
    for (const bar of this.bars.values()) {
      const filled = Math.round((bar.done / Math.max(bar.total, 1)) * WIDTH);
      this.out.write(
        `\x1b[2K  [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${describe(bar)}\n`,
      );
    }
    this.drawn = this.bars.size;
  }

  /** Shows the last state and leaves it on the screen. */
  finish() {
    if (this.live && this.bars.size) this.draw();
    this.bars.clear();
    this.drawn = 0;
  }
}

/** @param {{ label: string, total: number, done: number }} bar */
function describe({ label, total, done }) {
  const percent = total ? Math.floor((done / total) * 100) : 100;
  return `${label} ${String(percent).padStart(3)} %  ${done} of ${total}`;
}

module.exports = { Progress };
