/**
 * The page's log: a bounded list of lines from several logs, in the order of their times.
 *
 * Pure: no DOM, no clock, no network.
 */

export class Journal {
  /** `limit`: how many lines are kept; earlier ones are dropped and counted in `dropped`. */
  constructor(limit) {
    this.limit = limit;
    this.lines = [];
    this.dropped = 0;
    this.byKey = new Map();
    this.newest = new Map();
    // How often anything in it was changed.
    this.changes = 0;
  }

  /** Puts a line in its place, or lets the line of the same key grow. */
  put(line) {
    this.changes += 1;
    const known = this.byKey.get(line.key);
    if (known !== undefined) {
      Object.assign(known, line, { version: known.version + 1 });
      return;
    }
    const entry = { ...line, order: this.#order(line), version: 1, isDropped: false };
    this.byKey.set(entry.key, entry);
    let place = this.lines.length;
    while (place > 0 && this.lines[place - 1].order > entry.order) place -= 1;
    this.lines.splice(place, 0, entry);
    if (this.lines.length > this.limit) this.#drop();
  }

  /** Returns the line's time, but never one before its predecessor in the same log. */
  #order({ log, at }) {
    const order = Math.max(at, this.newest.get(log) ?? at);
    this.newest.set(log, order);
    return order;
  }

  #drop() {
    const entry = this.lines.shift();
    entry.isDropped = true;
    this.byKey.delete(entry.key);
    this.dropped += 1;
  }
}
