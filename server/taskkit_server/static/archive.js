/** Brings jobs that this page has not heard of into its rows: older ones, and after a gap all. */

import { addJobs, incomplete, setJobs } from "./rows.js";
import { Pager } from "./pager.js";

const PAGE = 250;
/** So many pages in a row are read for one wish before the reader is asked whether to go on. */
const PATIENCE = 8;
/** Of the jobs that are not final, so many at most are read after a gap. */
const ACTIVE_PAGES = 20;

export class Archive {
  #pager;
  #left = PATIENCE;
  #asked = new Set();
  #completed = -1;

  /** `ask(path)`: a promise of the answer's body. `changed()` is called when there is news. */
  constructor({ ask, rows, changed, failed }) {
    Object.assign(this, { ask, rows, changed, failed, isReading: false, oldestAt: Infinity });
    this.#pager = this.#newPager();
  }

  #newPager(query) {
    return new Pager({ ask: this.ask, limit: PAGE, query });
  }

  /** Whether there may be older jobs. */
  get hasMore() {
    return !this.#pager.isAtEnd;
  }

  /** Whether one more page is read without a further wish of the reader's; see `renew`. */
  get isWilling() {
    return this.hasMore && this.#left > 0;
  }

  /** The reader did something: he may wait for as many pages again. */
  renew() {
    this.#left = PATIENCE;
  }

  /** Reads the next page, unless one is on its way. */
  async more() {
    if (this.isReading || !this.isWilling) return;
    this.isReading = true;
    this.#left -= 1;
    const pager = this.#pager;
    try {
      const jobs = await pager.next();
      if (pager === this.#pager) this.#take(jobs);
    } catch (error) {
      this.#left = 0;
      this.failed(error);
    } finally {
      this.isReading = false;
      this.changed();
    }
  }

  #take(records) {
    addJobs(this.rows, records);
    const last = records.at(-1);
    if (last) this.oldestAt = Math.min(this.oldestAt, Date.parse(last.created_at));
  }

  /** Reads anew what is there: events were lost. */
  async restart() {
    this.#pager = this.#newPager();
    this.#asked.clear();
    this.oldestAt = Infinity;
    this.renew();
    const pager = this.#pager;
    const newest = await pager.next();
    const active = await this.#active();
    if (pager !== this.#pager) return;
    setJobs(this.rows, []);
    this.#take(newest);
    addJobs(this.rows, active);
  }

  async #active() {
    const pager = this.#newPager("state=queued&state=running");
    const found = [];
    for (let page = 0; page < ACTIVE_PAGES && !pager.isAtEnd; page += 1) {
      found.push(...(await pager.next()));
    }
    return found;
  }

  /** Asks for the jobs of which only late events are known, one after the other, each once. */
  async complete() {
    if (this.#completed === this.rows.turns) return;
    this.#completed = this.rows.turns;
    for (const id of incomplete(this.rows)) {
      if (this.#asked.has(id)) continue;
      this.#asked.add(id);
      const record = await this.ask(`jobs/${id}`).catch(() => null);
      if (record !== null) addJobs(this.rows, [record]);
      this.changed();
    }
  }
}
