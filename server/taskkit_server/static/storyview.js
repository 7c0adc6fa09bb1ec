/** A job's attempts as a table, and what happened to it as a list with times and durations. */

import { element, place, setText } from "./dom.js";
import { attemptsOf } from "./stories.js";
import { count, duration, moment, workerParts } from "./words.js";

const MARKS = {
  job_submitted: "○",
  attempt_started: "▶",
  attempt_lost: "↻",
  attempt_returned: "↻",
  attempt_failed: "↻",
  job_succeeded: "✓",
  job_failed: "✗",
  job_cancelled: "⊘",
  said: "·",
};

const WORDS = {
  job_submitted: () => "submitted",
  attempt_started: ({ attempt, worker }) => `attempt ${attempt} started on ${whereOf(worker)}`,
  attempt_lost: ({ attempt, cause }) => `attempt ${attempt} lost: ${cause}`,
  attempt_returned: ({ attempt, cause }) => `attempt ${attempt} given back: ${cause}`,
  attempt_failed: ({ attempt, cause }) => `attempt ${attempt} failed: ${cause}`,
  job_succeeded: ({ preview }) => (preview ? `succeeded: ${preview}` : "succeeded"),
  job_failed: ({ cause }) => `failed: ${cause}`,
  job_cancelled: () => "cancelled",
};

/** What an attempt says: of one, of many, and what the last of it was. */
const KINDS = {
  progress_reported: ["report of progress", "reports of progress", (data) => progress(data)],
  curves_reported: ["report of curves", "reports of curves", ({ names }) => names.join(", ")],
  figures_displayed: ["display of figures", "displays of figures", ({ names }) => names.join(", ")],
  usage_reported: ["look at its memory", "looks at its memory", (usage) => memory(usage)],
  output_written: ["piece of output", "pieces of output", ({ text }) => text],
};

/** The same of a kind that has no words here: those of its name. */
function kindOf(type) {
  if (Object.hasOwn(KINDS, type)) return KINDS[type];
  const name = type.replaceAll("_", " ");
  return [name, `times ${name}`, ({ text }) => text];
}

export class StoryView {
  #attempts = new Map();
  #steps = new Map();

  /** `root`: the element of a job's page. */
  constructor(root) {
    for (const name of ["attempts", "steps", "story", "cut"]) {
      this[name] = root.querySelector(`#job-${name}`);
    }
  }

  /** Shows a story of `{steps, isWhole}` as it is at `now`. */
  show({ steps, isWhole }, now) {
    const attempts = attemptsOf(steps);
    this.story.hidden = steps.length === 0;
    this.attempts.hidden = attempts.length === 0;
    const rows = attempts.map((attempt) => [attempt.attempt, attempt]);
    place(this.attempts.querySelector("tbody"), this.#attempts, rows, attemptRow, (row, attempt) => {
      fillAttempt(row, attempt, now);
    });
    const items = steps.map((step, index) => [`${index} ${step.type}`, { ...step, before: steps[index - 1]?.at }]);
    place(this.steps, this.#steps, items, stepItem, (item, step) => fillStep(item, step, now));
    this.cut.hidden = isWhole;
  }

  /** Shows nothing any more. */
  clear() {
    this.show({ steps: [], isWhole: true }, 0);
  }
}

function attemptRow({ attempt }) {
  const row = element("tr");
  const head = element("th", "", String(attempt));
  head.scope = "row";
  const cells = ["started", "ended", "took number", "worker", "why"].map((name) => element("td", name));
  row.append(head, ...cells);
  // Where they are laid out as lines, on a phone, they are still a table to screen readers.
  row.role = "row";
  head.role = "rowheader";
  for (const cell of cells) cell.role = "cell";
  return row;
}

function fillAttempt(row, { startedAt, endedAt, worker, end, why }, now) {
  const [, started, ended, took, where, reason] = row.children;
  row.dataset.end = end;
  setText(started, startedAt ? moment(startedAt, now) : "not told");
  setText(ended, endedAt ? moment(endedAt, now) : "now");
  const ms = startedAt ? (endedAt || now) - startedAt : null;
  setText(took, ms === null ? "" : endedAt ? duration(ms) : whole(ms));
  setText(where, worker ? whereOf(worker) : "not told");
  where.title = worker;
  setText(reason, why ? `${end}: ${why}` : end);
}

function whole(ms) {
  return duration(Math.max(0, Math.floor(ms / 1000)) * 1000);
}

function stepItem(step) {
  const item = element("li");
  item.dataset.kind = step.type;
  const time = element("time");
  time.dateTime = new Date(step.at).toISOString();
  time.title = new Date(step.at).toLocaleString();
  const mark = element("span", "mark", MARKS[step.type]);
  mark.ariaHidden = "true";
  const text = step.type === "said" ? element("details", "text") : element("span", "text");
  if (step.type === "said") text.append(element("summary"), element("ul"));
  item.append(time, element("span", "since number"), mark, text);
  item.kinds = new Map();
  return item;
}

function fillStep(item, { type, at, before, data, kinds }, now) {
  const [time, since, , text] = item.children;
  setText(time, moment(at, now));
  setText(since, before === undefined ? "" : `+${duration(at - before)}`);
  if (type !== "said") {
    setText(text, WORDS[type](data));
    return;
  }
  setText(text.firstElementChild, kinds.map(heading).join(", "));
  const items = kinds.map((kind) => [kind.type, kind]);
  place(text.lastElementChild, item.kinds, items, () => element("li"), (one, kind) => {
    setText(one, kindWords(kind, now));
  });
}

function heading({ type, count: many }) {
  const [one, more] = kindOf(type);
  return count(many, one, more);
}

function kindWords(kind, now) {
  const { type, count: many, firstAt, lastAt, data } = kind;
  const from = moment(firstAt, now);
  const times = many === 1 ? from : `${from} to ${moment(lastAt, now)}`;
  const last = kindOf(type)[2](data);
  return `${heading(kind)}, ${times}${last ? `; ${many === 1 ? "" : "the last: "}${last}` : ""}`;
}

function progress({ done, total, message }) {
  const figure = (number) => number.toLocaleString("en", { maximumFractionDigits: 3 });
  const of = total ? `${figure(done)} / ${figure(total)}` : figure(done);
  return [of, message].filter(Boolean).join(" · ");
}

function memory({ memory_bytes: bytes }) {
  return `${Math.round(bytes / 1e6).toLocaleString("en")} MB`;
}

function whereOf(worker) {
  const { host, pid } = workerParts(worker);
  return pid ? `${host} ${pid}` : host;
}
