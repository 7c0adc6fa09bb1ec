/**
 * Reads the list of jobs page by page, newest first.
 *
 * A server says in `next` where the next page begins, null behind the last one. One that does not
 * know `next` takes the last job's id as `before`. No DOM, no clock.
 */

export class Pager {
  #place = "";
  #asking = null;

  /**
   * `ask(path)` returns a promise of `{jobs, next}`, and is rejected where there is no answer.
   * `query`: what else the list is asked for, e.g. `state=queued`.
   */
  constructor({ ask, limit, query = "" }) {
    Object.assign(this, { ask, limit, query, isAtEnd: false });
  }

  /** Returns a promise of the next page, of nothing behind the last; the same one while it comes. */
  next() {
    if (this.isAtEnd) return Promise.resolve([]);
    this.#asking ??= this.#read().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #read() {
    const query = [`limit=${this.limit}`, this.#place, this.query].filter(Boolean).join("&");
    const { jobs, next } = await this.ask(`jobs?${query}`);
    // After a failure the same page is asked for again.
    if (next === undefined) this.#turnById(jobs);
    else this.#turn(next === null ? null : `cursor=${encodeURIComponent(next)}`);
    return jobs;
  }

  #turnById(jobs) {
    const isFull = jobs.length >= this.limit;
    this.#turn(isFull ? `before=${encodeURIComponent(jobs.at(-1).id)}` : null);
  }

  #turn(place) {
    this.isAtEnd = place === null;
    this.#place = place ?? "";
  }
}
