/** The list of jobs: its filter, its rows, and what can be done to those that are selected. */

import { element, place, setText } from "./dom.js";
import { GridView } from "./gridview.js";
import { ALL, STATES, counted, listed, viewHref, viewIn } from "./listing.js";
import { Selection } from "./selection.js";
import { SelectionView } from "./selectionview.js";
import { count, moment } from "./words.js";

/** While jobs come and go, the list is put in order so often at most. */
const ORDER_MS = 250;
const SAY_MS = 800;
const FINAL = Object.freeze(["failed", "succeeded", "cancelled"]);

export class JobsView {
  #view = ALL;
  #jobs = [];
  #turns = -1;
  #orderedAt = -Infinity;
  #timer = 0;
  #sayTimer = 0;
  #chips = new Map();

  /**
   * `root`: its element. `archive` has older jobs, `rows` those that are known, `totals` how many
   * there are; `now()` is the ledger's time. `act(verb, id)` returns a promise; `opened(id)`: a job is to be shown.
   */
  constructor(root, { rows, archive, totals, now, act, opened }) {
    Object.assign(this, { root, rows, archive, totals, now });
    const names = ["states", "search", "sort", "jobs", "empty", "none", "clear", "further", "found"];
    for (const name of names) this[name] = root.querySelector(`#${name}`);
    this.first = root.querySelector("#first");
    this.all = root.querySelector("#all");
    this.selection = new Selection();
    this.grid = new GridView({
      grid: this.jobs,
      body: root.querySelector("#job-rows"),
      selection: this.selection,
      opened,
      picked: () => this.#showSelection(),
      scrolled: () => this.#scrolled(),
    });
    this.selected = new SelectionView(root, {
      act,
      cleared: () => {
        this.selection.clear();
        this.#showSelection();
        this.draw();
        this.grid.focus();
      },
    });
    this.#listen();
  }

  #listen() {
    this.search.addEventListener("input", () => this.#look({ words: this.search.value }));
    this.sort.addEventListener("change", () => this.#look({ sort: this.sort.value }));
    this.states.addEventListener("click", ({ target }) => {
      const chip = target.closest("button");
      if (chip !== null) this.#look({ states: toggled(this.#view.states, chip.value) });
    });
    this.clear.addEventListener("click", () => {
      this.#look(ALL);
      this.search.focus();
    });
    this.further.addEventListener("click", () => this.#wish());
    this.all.addEventListener("click", () => {
      if (this.all.checked) this.selection.selectAll(this.grid.ids());
      else this.selection.clear();
      this.#showSelection();
      this.draw();
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" && this.#jobs.length > 0) {
        event.preventDefault();
        this.grid.focus();
      }
    });
  }

  /** Shows the view that an address names. */
  open(hash) {
    this.#show(viewIn(hash));
  }

  /** Where the list as it is now is found. */
  get href() {
    return viewHref(this.#view);
  }

  /** Gives the focus to the row that had it. */
  focus() {
    this.grid.focus();
  }

  /** What may be done, by the scopes of the token. */
  allow(scopes) {
    this.selected.allow(scopes);
  }

  /** Draws what is known now. */
  draw() {
    if (this.root.hidden) return;
    if (this.#turns !== this.rows.turns) this.#orderSoon();
    this.grid.draw(this.rows, this.now());
    this.#readOn();
  }

  // The view

  #look(change) {
    this.#show({ ...this.#view, ...change });
    // A filter is no place to come back to, one by one; nor does a letter load anything.
    history.replaceState(null, "", this.href);
    clearTimeout(this.#sayTimer);
    this.#sayTimer = setTimeout(() => this.#sayFound(), SAY_MS);
  }

  #show(view) {
    const isSame = viewHref(view) === this.href;
    this.#view = view;
    if (this.search.value !== view.words) this.search.value = view.words;
    this.sort.value = view.sort;
    if (isSame && this.#turns >= 0) return;
    this.archive.renew();
    this.#order({ isAnew: true });
    this.draw();
  }

  #orderSoon() {
    const due = this.#orderedAt + ORDER_MS - performance.now();
    clearTimeout(this.#timer);
    if (due <= 0) this.#order({ isAnew: false });
    else this.#timer = setTimeout(() => this.draw(), due);
  }

  #order({ isAnew }) {
    this.#turns = this.rows.turns;
    this.#orderedAt = performance.now();
    this.#jobs = listed(this.rows.jobs.values(), this.#view);
    this.selection.keep(this.#jobs);
    this.grid.order(this.#jobs, { isAnew });
    this.showCounts();
    this.#showSelection();
    this.#showEmpty();
  }

  /** Shows how many jobs there are in each state, also those that are not loaded. */
  showCounts() {
    const counts = counted(this.rows.jobs.values(), this.#view.words);
    // What is searched for, the server has not counted; what is not final is loaded, all of it.
    if (this.#areMoreUnseen) this.totals.renew(this.rows.turns);
    const told = this.#areMoreUnseen ? this.totals.counts : null;
    for (const state of told ? FINAL : []) counts[state] = Math.max(counts[state], told[state]);
    const every = Object.values(counts).reduce((sum, one) => sum + one, 0);
    const items = [["", every], ...STATES.map((state) => [state, counts[state]])];
    place(this.states, this.#chips, items.map(([state, many]) => [state, { state, many }]), chip, (made, one) => {
      this.#fillChip(made, one);
    });
  }

  #fillChip(made, { state, many }) {
    const { states } = this.#view;
    const isOn = state === "" ? states.length === 0 : states.includes(state);
    if (made.ariaPressed !== String(isOn)) made.ariaPressed = String(isOn);
    // Of what is final, there may be more further back.
    const areAll = !this.archive.hasMore || (this.#areMoreUnseen && this.totals.counts !== null);
    const isOpen = !areAll && state !== "queued" && state !== "running";
    setText(made.lastElementChild, `${many.toLocaleString("en")}${isOpen && many > 0 ? "+" : ""}`);
  }

  get #areMoreUnseen() {
    return this.archive.hasMore && this.#view.words.trim() === "";
  }

  #sayFound() {
    setText(this.found, count(this.#jobs.length, "job", "jobs"));
  }

  // The selection

  #showSelection() {
    // As they are now: the order may be a moment older.
    const jobs = this.selection.of(this.#jobs).map((job) => this.rows.jobs.get(job.id) ?? job);
    this.selected.show(jobs);
    this.all.checked = jobs.length > 0 && jobs.length === this.#jobs.length;
    this.all.indeterminate = jobs.length > 0 && !this.all.checked;
    this.all.disabled = this.#jobs.length === 0;
  }

  // What is further back

  #scrolled() {
    // Another filter scrolls to the top by itself: that is no wish.
    if (this.grid.isNearEnd && this.jobs.scrollTop > 0) this.archive.renew();
    this.#readOn();
  }

  #readOn() {
    // Before what came is in its place, it is not known whether it is enough.
    if (this.#turns !== this.rows.turns) return;
    if (this.grid.isNearEnd && this.archive.isWilling) this.archive.more();
    this.#showEmpty();
  }

  #wish() {
    this.archive.renew();
    this.#readOn();
  }

  #showEmpty() {
    const { isReading, isWilling, hasMore, oldestAt } = this.archive;
    const isBusy = isReading || isWilling;
    const isEmpty = this.#jobs.length === 0;
    const isFirst = isEmpty && this.rows.jobs.size === 0 && !isBusy && !hasMore;
    this.first.hidden = !isFirst;
    this.empty.hidden = !isEmpty || isFirst;
    this.jobs.hidden = isFirst;
    const since = Number.isFinite(oldestAt) ? ` since ${moment(oldestAt, this.now())}` : "";
    setText(this.none, isBusy ? "Looking …" : `No job${hasMore ? since : ""} matches.`);
    this.clear.hidden = isBusy || this.href === viewHref(ALL);
    this.further.hidden = isBusy || !hasMore || !this.grid.isNearEnd;
  }
}

function toggled(states, state) {
  if (state === "") return [];
  const others = states.filter((one) => one !== state);
  const now = others.length < states.length ? others : [...states, state];
  return now.length === STATES.length ? [] : STATES.filter((one) => now.includes(one));
}

function chip({ state }) {
  const made = element("button", "chip");
  made.type = "button";
  made.value = state;
  made.dataset.state = state || "all";
  const word = state || "all";
  made.append(element("span", "word", word[0].toUpperCase() + word.slice(1)), " ", element("span", "many"));
  return made;
}
