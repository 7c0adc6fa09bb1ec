/** The jobs that a link shows, when they are several: a line each, which leads to its page. */

import { element, place, setText } from "./dom.js";
import { MARKS, drawBar, progressWords } from "./jobrow.js";
import { sharedHref } from "./route.js";
import { count, duration, moment, shortId } from "./words.js";

export class SharedList {
  #items = new Map();
  #leftAt = null;

  /** `root`: its element; `now()` is the ledger's time. */
  constructor(root, { now }) {
    this.now = now;
    this.title = root.querySelector("#shared-title");
    this.list = root.querySelector("#shared-jobs");
    this.list.addEventListener("click", ({ target }) => {
      this.#leftAt = target.closest("a") ?? this.#leftAt;
    });
  }

  /** Shows these jobs, in their order. */
  draw(jobs) {
    setText(this.title, count(jobs.length, "job", "jobs"));
    const items = jobs.map((job) => [job.id, job]);
    place(this.list, this.#items, items, made, (item, job) => fill(item, job, this.now()));
  }

  /** Gives the focus to the job that was looked at. */
  focus() {
    if (this.#leftAt?.isConnected) this.#leftAt.focus();
    else this.title.focus();
  }
}

function made(job) {
  const item = element("li");
  const who = element("a", "who");
  who.href = sharedHref(job.id);
  who.append(element("span", "name"), element("span", "id", shortId(job.id)));
  const state = element("span", "state");
  const mark = element("span", "mark");
  mark.ariaHidden = "true";
  state.append(mark, " ", element("span", "word"));
  const progress = element("span", "progress");
  progress.append(element("progress"), element("span", "says"));
  item.append(who, state, progress, element("span", "took number"));
  return item;
}

function fill(item, job, now) {
  const part = (selector) => item.querySelector(selector);
  const isRunning = job.state === "running";
  item.dataset.state = job.state;
  setText(part(".name"), job.name);
  setText(part(".mark"), MARKS[job.state]);
  setText(part(".word"), job.state);
  drawBar(part("progress"), job);
  setText(part(".says"), isRunning ? progressWords(job) : job.says);
  setText(part(".took"), took(job, now));
}

function took({ state, createdAt, startedAt, finishedAt }, now) {
  if (!startedAt) return moment(createdAt, now);
  if (state !== "running") return duration(finishedAt - startedAt);
  return duration(Math.max(0, Math.floor((now - startedAt) / 1000)) * 1000);
}
