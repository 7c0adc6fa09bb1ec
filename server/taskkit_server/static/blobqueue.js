/**
 * Brings the blobs that figures are: one at a time, each once, what waits longest first.
 *
 * Of a figure that changes faster than its pictures come, those in between are left out. No DOM.
 */

const RETRY_MS = 2_000;
const NOTHING = new Uint8Array();

/** Of so many blobs, the last ones, it is remembered what they are: pictures come again. */
const KEPT = 16;

export class BlobQueue {
  #wanted = new Map();
  #kept = new Map();
  #asking = null;
  #timer = 0;
  #isResting = false;

  /**
   * `ask(digest, signal)` returns a promise of the bytes; where it is rejected with the `status` 404
   * they are gone, else it is asked again. `came(figure, bytes)` is told; what is gone is no bytes.
   */
  constructor({ ask, came, isHidden, retryMs = RETRY_MS }) {
    Object.assign(this, { ask, came, isHidden, retryMs });
  }

  /** Brings a figure in the place of the one of its name that still waits. */
  want(figure) {
    this.#wanted.set(figure.name, figure);
  }

  /** Does not bring what waits under a name. */
  drop(name) {
    this.#wanted.delete(name);
  }

  /** Forgets everything, also what is on its way. */
  clear() {
    this.#asking?.abort();
    this.#asking = null;
    this.#wanted.clear();
    this.#kept.clear();
    this.#wake();
  }

  /** Goes on where there is something to do and somebody to see it. */
  next() {
    while (this.#asking === null && !this.#isResting && !this.isHidden()) {
      const [figure] = this.#wanted.values();
      if (figure === undefined) return;
      this.#wanted.delete(figure.name);
      const known = this.#kept.get(figure.digest);
      if (known === undefined) this.#fetch(figure);
      else this.#give(figure, known);
    }
  }

  async #fetch(figure) {
    const asking = new AbortController();
    this.#asking = asking;
    const bytes = await this.ask(figure.digest, asking.signal).catch((error) => {
      return error.status === 404 ? NOTHING : null;
    });
    if (asking !== this.#asking) return;
    this.#asking = null;
    if (bytes === null) this.#postpone(figure);
    else this.#give(figure, bytes);
    this.next();
  }

  #give(figure, bytes) {
    // The last one that was used is the last to be forgotten.
    this.#kept.delete(figure.digest);
    if (bytes !== NOTHING) this.#kept.set(figure.digest, bytes);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value);
    this.came(figure, bytes);
  }

  #postpone(figure) {
    if (!this.#wanted.has(figure.name)) this.#wanted.set(figure.name, figure);
    this.#isResting = true;
    this.#timer = setTimeout(() => {
      this.#wake();
      this.next();
    }, this.retryMs);
  }

  #wake() {
    clearTimeout(this.#timer);
    this.#isResting = false;
  }
}
