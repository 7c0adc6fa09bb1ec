/** Draws what goes on now: the workers as a strip, and the table of jobs that are not final. */

import { element, place, setText } from "./dom.js";
import { jobHref } from "./route.js";
import { activeJobs } from "./rows.js";
import { count, duration, shortId } from "./words.js";

const ROWS = 50;

export class StackView {
  #rows = new Map();
  #chips = new Map();

  constructor({ workers, body, more, counts }) {
    Object.assign(this, { workers, body, more, counts });
  }

  /** Shows `rows`; `now` is the ledger's time in ms. */
  draw(rows, now) {
    this.#drawWorkers([...rows.workers.values()]);
    const jobs = activeJobs(rows);
    const shown = jobs.slice(0, ROWS);
    place(this.body, this.#rows, shown.map((job) => [job.id, job]), rowElement, (row, job) => {
      fill(row, job, now, rows.workers.get(job.worker));
    });
    this.body.parentElement.hidden = jobs.length === 0;
    const rest = jobs.length - shown.length;
    setText(this.more, rest > 0 ? `and ${count(rest, "more job", "more jobs")}` : "");
    if (jobs.length === 0) setText(this.more, "Nothing runs and nothing waits.");
    setText(this.counts, counted(jobs));
  }

  #drawWorkers(workers) {
    const items = workers.map((worker) => [worker.name, worker]);
    if (items.length === 0) items.push(["", null]);
    place(this.workers, this.#chips, items, (worker) => chip(worker), () => {});
  }
}

function counted(jobs) {
  const running = jobs.filter((job) => job.state === "running").length;
  const queued = jobs.length - running;
  return jobs.length === 0 ? "" : `${running} running, ${queued} queued`;
}

function chip(worker) {
  if (worker === null) return element("li", "none", "No worker is there; jobs wait for one.");
  const made = element("li", "chip");
  made.title = `${worker.name}, Python ${worker.python}`;
  const size = element("span", "size", count(worker.processes, "process", "processes"));
  made.append(element("span", "host", worker.host), element("span", "id", worker.pid), size);
  return made;
}

function rowElement(job) {
  const row = element("tr");
  const cells = ["task", "state", "progress", "worker wide", "elapsed number"].map((name) => {
    return row.appendChild(element("td", name));
  });
  const [task, state, progress] = cells;
  const who = task.appendChild(element("a", "who"));
  who.href = jobHref(job.id);
  who.append(element("span", "name"), element("span", "id", shortId(job.id)));
  task.title = job.id;
  const mark = state.appendChild(element("span", "mark"));
  mark.ariaHidden = "true";
  state.append(" ", element("span", "word"));
  progress.append(element("progress"), element("span", "says"));
  return row;
}

function fill(row, job, now, worker) {
  const set = (selector, text) => setText(row.querySelector(selector), text);
  const isRunning = job.state === "running";
  row.dataset.state = job.state;
  set(".name", job.task);
  set(".mark", isRunning ? "▶" : "○");
  set(".word", job.state);
  set(".worker", isRunning ? (worker ? `${worker.host} ${worker.pid}` : job.worker) : "");
  set(".elapsed", isRunning ? elapsed(now - job.startedAt) : "");
  drawBar(row.querySelector("progress"), row.querySelector(".says"), job);
}

function elapsed(ms) {
  return duration(Math.max(0, Math.floor(ms / 1000)) * 1000);
}

function drawBar(bar, says, { state, task, progress, attempt }) {
  bar.hidden = state !== "running";
  bar.ariaLabel = `progress of ${task}`;
  const { done, total, message } = progress ?? {};
  if (total) {
    bar.max = total;
    bar.value = Math.min(total, Math.max(0, done));
  } else {
    bar.removeAttribute("value");
  }
  const of = total ? `${figure(done)} / ${figure(total)}` : done ? figure(done) : "";
  const again = attempt > 1 && state === "running" ? `attempt ${attempt}` : "";
  setText(says, [of, message, again].filter(Boolean).join(" · "));
}

function figure(number) {
  return number.toLocaleString("en", { maximumFractionDigits: 3 });
}
