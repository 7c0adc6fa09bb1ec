/**
 * What the page knows of jobs and workers: one row each, changed by events or by a snapshot.
 *
 * Pure: no DOM, no clock, no network.
 */

import { write } from "./output.js";
import { workerParts } from "./words.js";

const ACTIVE = new Set(["queued", "running"]);

/** Returns what is known before anything was read. */
export function emptyRows() {
  return { jobs: new Map(), workers: new Map() };
}

/** Returns the row of a job; a blank one where the page has not heard of it. */
export function jobRow(rows, id) {
  return rows.jobs.get(id) ?? { ...BLANK, id };
}

const BLANK = Object.freeze({
  task: "",
  state: "queued",
  seq: 0,
  createdAt: 0,
  startedAt: 0,
  attempt: 0,
  worker: "",
  progress: null,
  open: Object.freeze({}),
});

/** How each event changes a job's row; the states are those of `lifecycle.TRANSITIONS`. */
const CHANGES = {
  job_submitted: (job, { at, data }) => ({ task: data.task, createdAt: at }),
  attempt_started: (job, { at, data }) => ({
    state: "running",
    startedAt: at,
    attempt: data.attempt,
    worker: data.worker,
    progress: null,
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
  attempt_lost: requeued,
  attempt_returned: requeued,
  attempt_failed: requeued,
  job_succeeded: () => ({ state: "succeeded" }),
  job_failed: () => ({ state: "failed" }),
  job_cancelled: () => ({ state: "cancelled" }),
};

function requeued() {
  return { state: "queued", startedAt: 0, progress: null, open: {} };
}

/** Returns what an `output_written` event does to a job's lines; see `output.write`. */
export function written(job, { seq, at, data }) {
  return write(job.open[data.stream], data.text, at, `jobs ${seq} ${at}`);
}

/** Folds an event into the rows, in place. Rows of final jobs go; events unknown here pass. */
export function change(rows, event) {
  if (event.type === "worker_joined") {
    const { worker: name, ...facts } = event.data;
    rows.workers.set(name, { ...workerParts(name), ...facts, name });
  } else if (event.type === "worker_left") {
    rows.workers.delete(event.data.worker);
  } else if (event.type in CHANGES) {
    changeJob(rows.jobs, jobRow(rows, event.job), event);
  }
}

function changeJob(jobs, job, event) {
  // A row that came from a snapshot may be ahead of the log.
  if (event.seq <= job.seq) return;
  const changed = { ...job, ...CHANGES[event.type](job, event), seq: event.seq };
  if (ACTIVE.has(changed.state)) jobs.set(job.id, changed);
  else jobs.delete(job.id);
}

/** Replaces the jobs by those that `GET /jobs` lists. */
export function setJobs(rows, records) {
  // Final ones stay, unseen, so that the log's older events do not bring them back to life.
  rows.jobs = new Map(records.map((record) => [record.id, fromRecord(record)]));
}

function fromRecord(record) {
  return {
    ...BLANK,
    id: record.id,
    task: record.task,
    state: record.state,
    seq: record.seq,
    createdAt: Date.parse(record.created_at),
    startedAt: record.started_at ? Date.parse(record.started_at) : 0,
    attempt: record.attempt,
    worker: record.worker ?? "",
    progress: record.progress,
  };
}

/** Replaces the workers by those that `GET /workers` lists. */
export function setWorkers(rows, workers) {
  rows.workers = new Map(
    workers.map(({ name, processes, python }) => {
      return [name, { ...workerParts(name), name, processes, python }];
    }),
  );
}

/** Returns the rows of jobs that are not final: running ones first, each oldest first. */
export function activeJobs(rows) {
  const isQueued = (job) => Number(job.state === "queued");
  const since = (job) => job.startedAt || job.createdAt;
  return [...rows.jobs.values()]
    .filter((job) => ACTIVE.has(job.state))
    .sort((a, b) => isQueued(a) - isQueued(b) || since(a) - since(b));
}
