/** One row of the list of jobs. */

import { element, setText } from "./dom.js";
import { jobHref } from "./route.js";
import { DEFAULT_QUEUE } from "./rows.js";
import { duration, moment, shortId } from "./words.js";

/** A sign for each state. */
export const MARKS = { queued: "○", running: "◐", succeeded: "✓", failed: "✗", cancelled: "⊘" };

/** Returns a row in which there is nothing yet. */
export function emptyRow() {
  const row = element("div", "row");
  row.role = "row";
  row.tabIndex = -1;
  const pick = element("input");
  pick.type = "checkbox";
  pick.tabIndex = -1;
  const who = element("a", "who");
  who.tabIndex = -1;
  who.append(element("span", "name"), element("span", "id"));
  const mark = element("span", "mark");
  mark.ariaHidden = "true";
  const cells = {
    pick: [pick],
    task: [who],
    state: [mark, " ", element("span", "word")],
    progress: [element("progress"), element("span", "says")],
    worker: [],
    took: [],
    when: [element("time")],
  };
  for (const [name, inner] of Object.entries(cells)) {
    const cell = element("span", `cell ${name}`);
    cell.role = "gridcell";
    cell.append(...inner);
    row.append(cell);
  }
  row.parts = Object.fromEntries(
    [".pick input", ".who", ".name", ".id", ".mark", ".word", "progress", ".says", ".worker", ".took"]
      .concat("time", ".task")
      .map((selector) => [selector, row.querySelector(selector)]),
  );
  return row;
}

/** Makes a row show `job`, which `worker` runs; touches no more than differs. */
export function fillRow(row, { job, worker, now, isSelected }) {
  const isRunning = job.state === "running";
  const second = isRunning ? Math.floor((now - job.startedAt) / 1000) : 0;
  if (row.job !== job || row.second !== second || row.worker !== worker) {
    Object.assign(row, { job, second, worker });
    describe(row, { job, worker, now });
  }
  const box = row.parts[".pick input"];
  if (box.checked !== isSelected) box.checked = isSelected;
  if (row.ariaSelected !== String(isSelected)) row.ariaSelected = String(isSelected);
}

function describe(row, { job, worker, now }) {
  const { parts } = row;
  const isRunning = job.state === "running";
  row.dataset.state = job.state;
  if (row.dataset.id !== job.id) {
    row.dataset.id = job.id;
    parts[".who"].href = jobHref(job.id);
    parts[".task"].title = job.id;
    setText(parts[".id"], shortId(job.id));
    parts[".pick input"].ariaLabel = `select ${job.name} ${shortId(job.id)}`;
    const created = new Date(job.createdAt);
    parts.time.dateTime = created.toISOString();
    parts.time.title = created.toLocaleString();
  }
  setText(parts.time, moment(job.createdAt, now));
  setText(parts[".name"], job.name);
  setText(parts[".mark"], MARKS[job.state]);
  setText(parts[".word"], job.state);
  const where = worker ? `${worker.host} ${worker.pid}` : job.worker;
  setText(parts[".worker"], isRunning ? where : "");
  setText(parts[".took"], took(job, now));
  drawBar(parts.progress, job);
  const says = isRunning ? progressWords(job) : job.says || waits(job);
  setText(parts[".says"], says);
  if (parts[".says"].title !== says) parts[".says"].title = says;
}

function waits({ state, queue }) {
  return state === "queued" && queue !== DEFAULT_QUEUE ? `waits in ${queue}` : "";
}

function took({ state, startedAt, finishedAt }, now) {
  if (!startedAt) return "";
  if (state !== "running") return duration(finishedAt - startedAt);
  return duration(Math.max(0, Math.floor((now - startedAt) / 1000)) * 1000);
}

/** Makes a bar show how far a job is, while it runs. */
export function drawBar(bar, { state, name, progress }) {
  bar.hidden = state !== "running";
  if (bar.hidden) return;
  bar.ariaLabel = `progress of ${name}`;
  const { done, total } = progress ?? {};
  if (total) {
    bar.max = total;
    bar.value = Math.min(total, Math.max(0, done));
  } else {
    bar.removeAttribute("value");
  }
}

/** Returns how far a job is, in words. */
export function progressWords({ progress, attempt }) {
  const { done, total, message } = progress ?? {};
  const of = total ? `${figure(done)} / ${figure(total)}` : done ? figure(done) : "";
  const again = attempt > 1 ? `attempt ${attempt}` : "";
  return [of, message, again].filter(Boolean).join(" · ");
}

function figure(number) {
  return number.toLocaleString("en", { maximumFractionDigits: 3 });
}
