/** Which of a list's jobs are selected, by their ids. Pure. */

export class Selection {
  #ids = new Set();
  #anchor = null;

  get size() {
    return this.#ids.size;
  }

  has(id) {
    return this.#ids.has(id);
  }

  /** Selects one or takes it back; a range begins here. */
  toggle(id) {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.#anchor = id;
  }

  /** Selects all from where the range began to `id`, in the order of `ids`. */
  extend(ids, id) {
    const [end, start] = [ids.indexOf(id), ids.indexOf(this.#anchor)];
    if (end < 0) return;
    if (start < 0) this.#anchor = id;
    const first = start < 0 ? end : start;
    for (let at = Math.min(first, end); at <= Math.max(first, end); at += 1) this.#ids.add(ids[at]);
  }

  /** A range that Shift makes begins here, unless one has begun. */
  anchor(id) {
    this.#anchor = id;
  }

  selectAll(ids) {
    for (const id of ids) this.#ids.add(id);
  }

  clear() {
    this.#ids.clear();
    this.#anchor = null;
  }

  /** Returns the selected ones of `jobs`. */
  of(jobs) {
    return jobs.filter((job) => this.#ids.has(job.id));
  }

  /** Gives up what the list does not have any more: nobody acts on what he does not see. */
  keep(jobs) {
    if (this.#ids.size === 0) return;
    const there = new Set(jobs.map((job) => job.id));
    for (const id of this.#ids) if (!there.has(id)) this.#ids.delete(id);
  }
}
