/**
 * What the page knows of jobs and workers: one row each, changed by events or by a snapshot.
 *
 * Pure: no DOM, no clock, no network.
 */

import { write } from "./output.js";
import { workerParts } from "./words.js";

const ACTIVE = new Set(["queued", "running"]);

/** Where a job waits that does not say. */
export const DEFAULT_QUEUE = "default";

/**
 * Returns what is known before anything was read.
 *
 * `turns` grows whenever a job comes, goes or changes its state: what orders a list of them.
 */
export function emptyRows() {
  return { jobs: new Map(), workers: new Map(), turns: 0 };
}

/** Returns whether a job can still change. */
export function isActive({ state }) {
  return ACTIVE.has(state);
}

/** Returns the row of a job; a blank one where the page has not heard of it. */
export function jobRow(rows, id) {
  return rows.jobs.get(id) ?? { ...BLANK, id };
}

const BLANK = Object.freeze({
  task: "",
  // What a reader calls it.
  name: "",
  queue: DEFAULT_QUEUE,
  state: "queued",
  seq: 0,
  // 0 where only later events of it are known.
  createdAt: 0,
  // The event that it was submitted by, 0 where that is not known: of those that came in the same
  // millisecond, which was first.
  born: 0,
  startedAt: 0,
  finishedAt: 0,
  attempt: 0,
  worker: "",
  progress: null,
  // How it ended, or why it waits, in one line.
  says: "",
  open: Object.freeze({}),
});

/** How each event changes a job's row; the states are those of `lifecycle.TRANSITIONS`. */
const CHANGES = {
  job_submitted: (job, { seq, at, data }) => {
    return { ...asked(data), createdAt: at, born: seq };
  },
  attempt_started: (job, { at, data }) => ({
    state: "running",
    startedAt: at,
    attempt: data.attempt,
    worker: data.worker,
    progress: null,
    says: "",
    open: {},
  }),
  progress_reported: (job, { data }) => ({ progress: data }),
  // A row has no room for these.
  curves_reported: () => ({}),
  figures_displayed: () => ({}),
  usage_reported: () => ({}),
  output_written: (job, event) => {
    const { stream } = event.data;
    return { open: { ...job.open, [stream]: written(job, event).open } };
  },
  attempt_lost: (job, { data }) => requeued(data.cause),
  attempt_returned: (job, { data }) => requeued(data.cause),
  attempt_failed: (job, { data }) => requeued(summary(data.error)),
  job_succeeded: (job, event) => ended(event, "succeeded", event.data.result.preview),
  job_failed: (job, event) => ended(event, "failed", summary(event.data.error)),
  job_cancelled: (job, event) => ended(event, "cancelled", ""),
};

/** Returns what a job was submitted as, by its event or its record. */
function asked({ task, options = {} }) {
  return { task, name: options.name || task, queue: options.queue || DEFAULT_QUEUE };
}

/** What a running attempt says moves no job from its place in a list. */
const SAID = new Set([
  "progress_reported",
  "curves_reported",
  "figures_displayed",
  "usage_reported",
  "output_written",
]);

function requeued(why) {
  return { state: "queued", startedAt: 0, progress: null, says: why ?? "", open: {} };
}

function ended({ at }, state, says) {
  return { state, finishedAt: at, says: says ?? "", open: {} };
}

/** Returns an exception in one line, as a traceback ends. */
export function summary({ type, message }) {
  const first = (message ?? "").trim().split("\n", 1)[0];
  return first ? `${type}: ${first}` : type;
}

/** Returns what an `output_written` event does to a job's lines; see `output.write`. */
export function written(job, { seq, at, data }) {
  return write(job.open[data.stream], data.text, at, `jobs ${seq} ${at}`);
}

/** Folds an event into the rows, in place. Events unknown here pass. */
export function change(rows, event) {
  if (event.type === "worker_joined") {
    const { worker: name, ...facts } = event.data;
    rows.workers.set(name, { ...workerParts(name), ...facts, name, joinedAt: event.at });
  } else if (event.type === "worker_left") {
    rows.workers.delete(event.data.worker);
  } else if (event.type in CHANGES) {
    changeJob(rows, jobRow(rows, event.job), event);
  }
}

function changeJob(rows, job, event) {
  // A row that came from a snapshot may be ahead of the log.
  if (event.seq <= job.seq) {
    if (event.type === "job_submitted") job.born = event.seq;
    return;
  }
  rows.jobs.set(job.id, { ...job, ...CHANGES[event.type](job, event), seq: event.seq });
  if (!SAID.has(event.type)) rows.turns += 1;
}

/** Replaces the jobs by those that `GET /jobs` lists. */
export function setJobs(rows, records) {
  rows.jobs = new Map();
  addJobs(rows, records);
}

/** Adds jobs that `GET /jobs` lists; of what is known already, the newer stays. */
export function addJobs(rows, records) {
  for (const record of records) {
    const [known, listed] = [rows.jobs.get(record.id), fromRecord(record)];
    if (known === undefined || known.seq < listed.seq) {
      const { open, born } = known ?? listed;
      rows.jobs.set(record.id, { ...listed, open, born });
    } else if (known.createdAt === 0) {
      rows.jobs.set(record.id, completed(known, listed));
    }
  }
  rows.turns += 1;
}

/** Returns a row of which only late events were known, with what a list says of its beginning. */
function completed(known, { task, name, queue, createdAt, startedAt, attempt, worker }) {
  return {
    ...known,
    task,
    name,
    queue,
    createdAt,
    startedAt: known.startedAt || (known.state === "queued" ? 0 : startedAt),
    attempt: known.attempt || attempt,
    worker: known.worker || worker,
  };
}

/** Returns the ids of jobs of which only late events are known. */
export function incomplete(rows) {
  return [...rows.jobs.values()].filter((job) => job.createdAt === 0).map((job) => job.id);
}

function fromRecord(record) {
  const { result, error, past_attempts: past = [] } = record;
  const last = record.state === "queued" ? past.at(-1)?.cause : "";
  return {
    ...BLANK,
    id: record.id,
    ...asked(record),
    state: record.state,
    seq: record.seq,
    createdAt: Date.parse(record.created_at),
    startedAt: record.started_at ? Date.parse(record.started_at) : 0,
    finishedAt: record.finished_at ? Date.parse(record.finished_at) : 0,
    says: error ? summary(error) : (result?.preview ?? last ?? ""),
    attempt: record.attempt,
    worker: record.worker ?? "",
    progress: record.progress,
  };
}

/** Replaces the workers by those that `GET /workers` lists. */
export function setWorkers(rows, workers) {
  rows.workers = new Map(
    workers.map(({ name, processes, python, joined_at: joinedAt }) => {
      const facts = { processes, python, joinedAt: Date.parse(joinedAt) };
      return [name, { ...workerParts(name), name, ...facts }];
    }),
  );
}

/** Returns the rows of jobs that are not final: running ones first, each oldest first. */
export function activeJobs(rows) {
  const isQueued = (job) => Number(job.state === "queued");
  const since = (job) => job.startedAt || job.createdAt;
  return [...rows.jobs.values()]
    .filter(isActive)
    .sort((a, b) => isQueued(a) - isQueued(b) || since(a) - since(b));
}
