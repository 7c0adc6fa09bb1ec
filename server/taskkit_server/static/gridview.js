/**
 * A long list as a grid: elements for the rows in sight only, one tab stop, selection by keys.
 *
 * The row that has the focus keeps its element wherever the list is scrolled to.
 */

import { emptyRow, fillRow } from "./jobrow.js";
import { inSight, kept, revealing } from "./windowing.js";

export class GridView {
  #elements = new Map();
  #free = [];
  #jobs = [];
  #places = new Map();
  #active = null;
  #rowPx = 40;
  #headPx = 0;
  #rows = null;
  #now = 0;

  /**
   * `grid` scrolls, `body` in it has the rows. `opened(id)`: the reader wants to see a job;
   * `picked()`: the selection changed; `scrolled()`: other rows are in sight.
   */
  constructor({ grid, body, selection, opened, picked, scrolled }) {
    Object.assign(this, { grid, body, selection, opened, picked, scrolled });
    grid.addEventListener("scroll", () => {
      this.#drawWindow();
      this.scrolled();
    });
    grid.addEventListener("keydown", (event) => this.#press(event));
    body.addEventListener("click", (event) => this.#click(event));
    body.addEventListener("focusin", (event) => this.#activate(rowOf(event.target).dataset.id));
    new ResizeObserver(() => {
      this.#measure();
      this.#drawWindow();
    }).observe(grid);
  }

  /** Whether the end of the list is in sight, or nearly so. */
  get isNearEnd() {
    const { scrollTop, clientHeight } = this.grid;
    return scrollTop + 2 * clientHeight > this.#jobs.length * this.#rowPx;
  }

  /** Shows `jobs` in this order; who looks further down keeps what he looks at in its place. */
  order(jobs, { isAnew }) {
    const before = Math.floor(this.grid.scrollTop / this.#rowPx);
    const topmost = this.#jobs[before]?.id;
    this.#jobs = jobs;
    this.#places = new Map(jobs.map((job, place) => [job.id, place]));
    this.grid.ariaRowCount = String(jobs.length + 1);
    this.body.style.height = `${jobs.length * this.#rowPx}px`;
    if (!this.#places.has(this.#active)) this.#leaveActive();
    if (this.grid.clientHeight === 0) return;
    const index = this.#places.get(topmost) ?? -1;
    const topPx = this.grid.scrollTop;
    const wanted = isAnew ? 0 : kept({ topPx, rowPx: this.#rowPx, before, index });
    if (wanted !== topPx) this.grid.scrollTop = wanted;
  }

  /** Draws the rows in sight as `rows` has them at `now`. */
  draw(rows, now) {
    this.#rows = rows;
    this.#now = now;
    this.#drawWindow();
  }

  /** Gives the focus to the row that had it, else to the first. */
  focus() {
    this.#focus(this.#places.get(this.#active) ?? 0);
  }

  /** Returns the ids of all rows, in their order. */
  ids() {
    return this.#jobs.map((job) => job.id);
  }

  #measure() {
    const row = this.body.firstElementChild;
    this.#headPx = this.body.offsetTop;
    const rowPx = row?.getBoundingClientRect().height ?? 0;
    if (rowPx === 0 || rowPx === this.#rowPx) return;
    const place = this.grid.scrollTop / this.#rowPx;
    this.#rowPx = rowPx;
    this.body.style.height = `${this.#jobs.length * rowPx}px`;
    this.grid.scrollTop = place * rowPx;
    for (const element of this.#elements.values()) element.place = -1;
  }

  #drawWindow() {
    if (this.#rows === null || this.grid.clientHeight === 0) return;
    const [from, to] = inSight({
      topPx: this.grid.scrollTop,
      heightPx: this.grid.clientHeight,
      rowPx: this.#rowPx,
      count: this.#jobs.length,
    });
    const shown = new Set();
    for (let place = from; place < to; place += 1) shown.add(this.#jobs[place].id);
    const active = this.#active ?? this.#jobs[0]?.id;
    if (active !== undefined) shown.add(active);
    for (const [id, element] of this.#elements) if (!shown.has(id)) this.#release(id, element);
    const isFirst = this.#elements.size === 0;
    for (const id of shown) this.#drawRow(id, id === active);
    this.#inOrder(shown);
    if (isFirst) this.#measure();
  }

  #drawRow(id, isActive) {
    let element = this.#elements.get(id);
    if (element === undefined) {
      element = this.#free.pop() ?? emptyRow();
      element.place = -1;
      this.#elements.set(id, element);
      this.body.append(element);
    }
    const place = this.#places.get(id);
    const job = this.#rows.jobs.get(id) ?? this.#jobs[place];
    if (element.place !== place) {
      element.place = place;
      element.style.transform = `translateY(${place * this.#rowPx}px)`;
      element.ariaRowIndex = String(place + 2);
    }
    const tabIndex = isActive ? 0 : -1;
    if (element.tabIndex !== tabIndex) element.tabIndex = tabIndex;
    const worker = this.#rows.workers.get(job.worker);
    fillRow(element, { job, worker, now: this.#now, isSelected: this.selection.has(id) });
  }

  /** Screen readers read the elements in the order of the document. */
  #inOrder(shown) {
    const wanted = [...shown].sort((a, b) => this.#places.get(a) - this.#places.get(b));
    let next = this.body.firstElementChild;
    for (const id of wanted) {
      const element = this.#elements.get(id);
      if (element === next) next = next.nextElementSibling;
      // What has the focus would lose it by being moved.
      else if (!element.contains(document.activeElement)) this.body.insertBefore(element, next);
    }
  }

  #release(id, element) {
    this.#elements.delete(id);
    element.remove();
    this.#free.push(element);
  }

  // The row that the keyboard is at

  #activate(id) {
    if (id === undefined || id === this.#active) return;
    this.#active = id;
    this.#drawWindow();
  }

  #leaveActive() {
    const element = this.#elements.get(this.#active);
    const hadFocus = element?.contains(document.activeElement) ?? false;
    const place = Math.min(element?.place ?? 0, this.#jobs.length - 1);
    this.#active = hadFocus && place >= 0 ? this.#jobs[place].id : null;
    if (hadFocus) queueMicrotask(() => this.#focus(Math.max(0, place)));
  }

  #focus(place) {
    const job = this.#jobs[place];
    if (job === undefined) {
      this.grid.focus();
      return;
    }
    this.#active = job.id;
    const topPx = revealing({
      topPx: this.grid.scrollTop,
      heightPx: this.grid.clientHeight,
      rowPx: this.#rowPx,
      headPx: this.#headPx,
      index: place,
    });
    if (topPx !== this.grid.scrollTop) this.grid.scrollTop = topPx;
    this.#drawWindow();
    this.#elements.get(job.id).focus({ preventScroll: true });
  }

  #press(event) {
    const row = rowOf(event.target);
    if (row === null || event.altKey) return;
    const { key, shiftKey, ctrlKey, metaKey } = event;
    const page = Math.max(1, Math.floor(this.grid.clientHeight / this.#rowPx) - 2);
    const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page };
    steps.Home = -Infinity;
    steps.End = Infinity;
    if (key in steps) this.#step(row, steps[key], shiftKey);
    else if (key === " ") this.#pick(row.dataset.id, shiftKey);
    else if (key === "Enter" && event.target === row) this.opened(row.dataset.id);
    else if (key === "a" && (ctrlKey || metaKey)) this.selection.selectAll(this.ids());
    else if (key === "Escape" && this.selection.size > 0) this.selection.clear();
    else return;
    event.preventDefault();
    this.picked();
    this.#drawWindow();
  }

  #step(row, by, isRange) {
    const last = this.#jobs.length - 1;
    const place = Math.min(last, Math.max(0, this.#places.get(row.dataset.id) + by));
    if (isRange) {
      if (this.selection.size === 0) this.selection.anchor(row.dataset.id);
      this.selection.extend(this.ids(), this.#jobs[place].id);
    }
    this.#focus(place);
  }

  #pick(id, isRange) {
    if (isRange) this.selection.extend(this.ids(), id);
    else this.selection.toggle(id);
  }

  #click(event) {
    const row = rowOf(event.target);
    if (row === null) return;
    const { id } = row.dataset;
    const isBox = event.target.closest(".pick") !== null;
    const isMany = event.shiftKey || event.ctrlKey || event.metaKey;
    if (isBox || (isMany && event.target.closest("a") === null)) {
      this.#pick(id, event.shiftKey);
      this.picked();
      this.#drawWindow();
    } else if (event.target.closest("a") === null && getSelection().isCollapsed) {
      this.opened(id);
    }
  }
}

function rowOf(target) {
  return target.closest("[data-id]");
}
