/** How many jobs the server has in each state, for a list that has loaded only the newest. */

/** While jobs come and go, it is asked so often at most. */
const PAUSE_MS = 2_000;

export class Totals {
  #turns = -1;
  #askedAt = -Infinity;
  #timer = 0;
  #isAsking = false;

  /** `ask(path)`: a promise of the answer's body. `changed()` is called when `counts` has changed. */
  constructor({ ask, changed, pause = PAUSE_MS }) {
    Object.assign(this, { ask, changed, pause });
    /** By state; null as long as nothing is known. */
    this.counts = null;
  }

  /** Asks anew, now or in a moment, where jobs have changed since: `turns` says how often they did. */
  renew(turns) {
    if (turns === this.#turns || this.#isAsking) return;
    const due = this.#askedAt + this.pause - performance.now();
    clearTimeout(this.#timer);
    if (due > 0) this.#timer = setTimeout(() => this.renew(turns), due);
    else this.#read(turns);
  }

  async #read(turns) {
    this.#turns = turns;
    this.#askedAt = performance.now();
    this.#isAsking = true;
    try {
      this.counts = (await this.ask("counts")).counts;
    } catch {
      // What was told before is near enough; it is asked for again with the next change.
    } finally {
      this.#isAsking = false;
    }
    this.changed();
  }
}
