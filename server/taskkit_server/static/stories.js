/**
 * What happened to each job, step by step, as far as this page has heard.
 *
 * A story is a list of steps, each `{at, type, data}`; what an attempt says between two of them is
 * one step, `{at, type: "said", kinds}`, with a `{type, count, firstAt, lastAt, data}` for each kind:
 * however long a job reports, its story stays short. Pure: no DOM, no clock, no network.
 */

import { summary } from "./rows.js";

const SAID = {
  progress_reported: ({ done, total, message }) => ({ done, total, message }),
  curves_reported: ({ curves }) => ({ names: curves.map((curve) => curve.name) }),
  figures_displayed: ({ figures }) => ({ names: figures.map((figure) => figure.name) }),
  usage_reported: ({ usage }) => usage,
  output_written: ({ text }) => ({ text: lastLine(text) }),
};

const LINE_CHARS = 200;

const STEPS = {
  job_submitted: ({ task }) => ({ task }),
  attempt_started: ({ attempt, worker }) => ({ attempt, worker }),
  attempt_lost: ({ attempt, cause }) => ({ attempt, cause }),
  attempt_returned: ({ attempt, cause }) => ({ attempt, cause }),
  attempt_failed: ({ attempt, error, retry_at: retryAt }) => {
    return { attempt, cause: summary(error), retryAt };
  },
  job_succeeded: ({ result }) => ({ preview: result.preview }),
  job_failed: ({ error }) => ({ cause: summary(error) }),
  job_cancelled: () => ({}),
};

export class Stories {
  #stories = new Map();

  /** Adds an event of a job. */
  add({ job, at, type, data }) {
    if (!job) return;
    const story = this.#stories.get(job) ?? [];
    if (story.length === 0) this.#stories.set(job, story);
    if (Object.hasOwn(STEPS, type)) story.push({ at, type, data: STEPS[type](data) });
    else say(story, { at, type, data: (Object.hasOwn(SAID, type) ? SAID[type] : facts)(data) });
  }

  /** Returns the steps of a job that were heard of. */
  of(id) {
    return this.#stories.get(id) ?? [];
  }

  clear() {
    this.#stories.clear();
  }
}

function say(story, { at, type, data }) {
  let last = story.at(-1);
  if (last?.type !== "said") {
    last = { at, type: "said", kinds: [] };
    story.push(last);
  }
  const known = last.kinds.find((kind) => kind.type === type);
  if (known) Object.assign(known, { count: known.count + 1, lastAt: at, data });
  else last.kinds.push({ type, count: 1, firstAt: at, lastAt: at, data });
}

/** Returns what a kind of event tells that this page has no words of its own for. */
function facts(data) {
  const each = Object.entries(data).map(([name, value]) => `${name.replaceAll("_", " ")} ${plain(value)}`);
  return { text: cut(each.join(", ")) };
}

function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function lastLine(text) {
  const line = text.trimEnd().split(/[\r\n]/).at(-1) ?? "";
  return cut(line);
}

function cut(line) {
  return line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line;
}

/**
 * Returns a whole story: what was heard, and before it what the job's record tells of the time
 * before; `isWhole` says whether nothing is missing.
 */
export function wholeStory(heard, record) {
  if (heard[0]?.type === "job_submitted") return { steps: heard, isWhole: true };
  if (record === null) return { steps: heard, isWhole: false };
  const told = recordSteps(record);
  const from = heard[0]?.at ?? Infinity;
  return { steps: [...told.filter((step) => step.at < from), ...heard], isWhole: false };
}

function recordSteps(record) {
  const time = (text) => Date.parse(text);
  const steps = [{ at: time(record.created_at), type: "job_submitted", data: { task: record.task } }];
  for (const { attempt, end, cause, at } of record.past_attempts ?? []) {
    steps.push({ at: time(at), type: `attempt_${end}`, data: { attempt, cause } });
  }
  if (record.started_at) {
    const { attempt, worker } = record;
    steps.push({ at: time(record.started_at), type: "attempt_started", data: { attempt, worker } });
  }
  if (record.finished_at) {
    const data = { preview: record.result?.preview ?? "", cause: record.error && summary(record.error) };
    steps.push({ at: time(record.finished_at), type: `job_${record.state}`, data });
  }
  return steps.sort((a, b) => a.at - b.at);
}

const ENDS = {
  attempt_lost: "lost",
  attempt_returned: "given back",
  attempt_failed: "failed",
  job_succeeded: "succeeded",
  job_failed: "failed",
  job_cancelled: "cancelled",
};

/**
 * Returns the attempts of a story: `{attempt, worker, startedAt, endedAt, end, why}`.
 *
 * Where the log does not reach back to a beginning, `startedAt` is 0; `endedAt` is 0 while it runs.
 */
export function attemptsOf(steps) {
  const attempts = [];
  for (const { at, type, data } of steps) {
    if (type === "attempt_started") {
      attempts.push({ ...data, startedAt: at, endedAt: 0, end: "running", why: "" });
    } else if (type in ENDS) {
      finish(attempts, { at, end: ENDS[type], data });
    }
  }
  return attempts;
}

function finish(attempts, { at, end, data }) {
  let last = attempts.at(-1);
  if (data.attempt !== undefined && last?.attempt !== data.attempt) {
    last = { attempt: data.attempt, worker: "", startedAt: 0 };
    attempts.push(last);
  }
  // A job that is cancelled while it waits ends no attempt; nor does one fail that never began.
  if (last === undefined || last.endedAt) return;
  Object.assign(last, { endedAt: at, end, why: data.cause ?? data.preview ?? "" });
}
