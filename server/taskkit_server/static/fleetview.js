/** The page of workers and queues: asked for again and again while somebody looks. */

import { element, place, setText } from "./dom.js";
import { Comings, fleet, load, possessions, queueRows } from "./fleet.js";
import { progressWords } from "./jobrow.js";
import { jobHref } from "./route.js";
import { DEFAULT_QUEUE } from "./rows.js";
import { count, duration, moment, shortId, workerParts } from "./words.js";

const EVERY_MS = 2_000;
/** More processes than these are one bar, not a square each. */
const SQUARES = 32;
const NOT_TOLD = 404;

export class FleetView {
  #workers = null;
  #queues = null;
  #timer = 0;
  #looks = 0;
  #hasQueues = true;
  #cards = new Map();
  #lines = new Map();
  #places = new Map();

  /** `ask(path)` returns a promise of the answer's body; `rows`, `now()` as in `JobsView`. */
  constructor(root, { ask, rows, now }) {
    Object.assign(this, { root, ask, rows, now, comings: new Comings() });
    const names = ["load", "fleet", "fleet-none", "fleet-problem", "queues", "history", "history-none"];
    for (const name of names) this[name] = root.querySelector(`#${name}`);
    document.addEventListener("visibilitychange", () => this.look());
  }

  /** Takes events of the workers' log. */
  received(events) {
    for (const event of events) this.comings.add(event);
    if (events.length > 0) this.look();
  }

  /** Looks now, and then every two seconds, as long as this is seen. */
  look() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), 0);
  }

  async #look() {
    if (this.root.hidden || document.hidden) return;
    const asked = ++this.#looks;
    const [workers, queues] = await Promise.allSettled([this.ask("workers"), this.#askQueues()]);
    if (asked !== this.#looks) return;
    const reason = workers.reason ?? queues.reason;
    setText(this["fleet-problem"], reason ? `Not up to date: ${reason.message}. Trying again …` : "");
    if (workers.value) this.#workers = workers.value.workers;
    if (queues.value) this.#queues = queues.value.queues;
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), EVERY_MS);
  }

  /** A server that knows no queues is not asked again. */
  async #askQueues() {
    if (this.#hasQueues) {
      const told = await this.ask("queues").catch((error) => {
        if (error.status !== NOT_TOLD) throw error;
        return null;
      });
      if (told !== null) return told;
      this.#hasQueues = false;
    }
    return { queues: null };
  }

  /** Draws what is known now. */
  draw() {
    if (this.root.hidden || this.#workers === null) return;
    const workers = fleet(this.#workers, this.rows.jobs);
    const now = this.now();
    const { busy, processes } = load(workers);
    const many = count(processes, "process", "processes");
    setText(this.load, workers.length === 0 ? "" : `${busy} of ${many} busy`);
    this["fleet-none"].hidden = workers.length > 0;
    place(this.fleet, this.#cards, workers.map((one) => [one.name, one]), card, (made, worker) => {
      fillCard(made, worker, now);
    });
    this.#drawQueues();
    this.#drawHistory(now);
  }

  #drawQueues() {
    this.queues.hidden = this.#queues === null;
    if (this.#queues === null) return;
    const items = queueRows(this.#queues).map((queue) => [queue.name, queue]);
    place(this.queues.querySelector("tbody"), this.#lines, items, line, (made, queue) => {
      made.dataset.stuck = String(queue.isStuck);
      setText(made.children[1], queue.queued);
      setText(made.children[2], queue.running);
      setText(made.children[3], queue.isStuck ? "none: these jobs wait" : queue.workers);
    });
  }

  #drawHistory(now) {
    const items = this.comings.list.map((one) => [one.key, one]);
    this["history-none"].hidden = items.length > 0;
    place(this.history, this.#places, items, entry, (made, { at }) => {
      setText(made.firstElementChild, moment(at, now));
    });
  }
}

function card(worker) {
  const made = element("li", "card worker");
  const head = element("div", "bar");
  const host = element("h3", "", worker.host);
  host.append(" ", element("span", "id", String(worker.pid)));
  head.append(host, element("span", "hint stay"));
  const bar = element("div", "squares");
  bar.role = "img";
  const runs = element("ul", "runs");
  made.append(head, bar, element("p", "hint busy"), runs, element("p", "hint rest"));
  made.append(abilities(worker));
  made.title = worker.name;
  made.jobs = new Map();
  return made;
}

function abilities({ tasks = [], queues = [], python, ...has }) {
  const served = queues.some((name) => name !== DEFAULT_QUEUE) ? `serves ${queues.join(", ")}` : "";
  const known = tasks.length > 0 ? count(tasks.length, "named task", "named tasks") : "";
  const words = [`Python ${python}`, ...possessions(has), served, known].filter(Boolean).join(", ");
  if (tasks.length === 0) return element("p", "hint", words);
  const fold = element("details");
  fold.append(element("summary", "", words));
  const list = element("ul", "tasks");
  for (const { name, summary } of tasks) {
    const one = element("li");
    one.append(element("code", "", name), summary ? ` ${summary}` : "");
    list.append(one);
  }
  fold.append(list);
  return fold;
}

function fillCard(made, worker, now) {
  const { processes, busy, own, others, joinedAt } = worker;
  const words = `${busy} of ${count(processes, "process", "processes")} busy`;
  setText(made.querySelector(".stay"), `here for ${duration(Math.max(0, now - joinedAt))}`);
  setText(made.querySelector(".busy"), words);
  drawSquares(made.querySelector(".squares"), { processes, busy, words, own: own.length });
  place(made.querySelector(".runs"), made.jobs, own.map((job) => [job.id, job]), ownJob, (item, job) => {
    setText(item.querySelector(".name"), job.name || "job");
    setText(item.lastElementChild, progressWords(job));
  });
  const what = own.length > 0 ? "more of others" : "of others";
  setText(made.querySelector(".rest"), others > 0 ? `${others} ${what}` : "");
}

function drawSquares(bar, { processes, busy, own, words }) {
  bar.ariaLabel = words;
  const many = Math.min(processes, SQUARES);
  while (bar.childElementCount > many) bar.lastElementChild.remove();
  while (bar.childElementCount < many) bar.append(element("i"));
  const scale = many / processes;
  [...bar.children].forEach((square, index) => {
    const use = index < own * scale ? "own" : index < busy * scale ? "others" : "free";
    if (square.className !== use) square.className = use;
  });
}

function ownJob(job) {
  const item = element("li");
  const who = element("a", "who");
  who.href = jobHref(job.id);
  who.append(element("span", "name"), element("span", "id", shortId(job.id)));
  item.append(who, element("span", "hint"));
  return item;
}

function line({ name }) {
  const made = element("tr");
  const head = element("th", "", name);
  head.scope = "row";
  made.append(head, ...["number", "number", "number"].map((look) => element("td", look)));
  return made;
}

function entry({ at, worker, isHere, text }) {
  const { host, pid } = workerParts(worker);
  const made = element("li");
  made.dataset.here = String(isHere);
  const time = element("time");
  time.dateTime = new Date(at).toISOString();
  time.title = new Date(at).toLocaleString();
  const mark = element("span", "mark", isHere ? "+" : "−");
  mark.ariaHidden = "true";
  const who = element("span", "host", host);
  who.append(" ", element("span", "id", pid));
  made.append(time, mark, who, element("span", "text", `${isHere ? "joined" : "left"}: ${text}`));
  return made;
}
