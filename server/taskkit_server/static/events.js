/**
 * What happened, in words: the lines that an event writes to the page's log.
 *
 * Pure: no DOM, no clock, no network. A line that comes again under the same `key` is the same
 * line, grown: a job's output need not come in whole lines.
 */

import { shown } from "./output.js";
import { change, jobRow, written } from "./rows.js";
import { count, duration, shortId, workerParts } from "./words.js";

/** Folds an event into `rows`, in place, and returns the lines that it writes. */
export function fold(rows, event) {
  const lines = SAYS[event.type]?.(event, rows) ?? [];
  change(rows, event);
  return lines;
}

const SAYS = {
  job_submitted: (event) => [jobLine(event, { task: event.data.task }, "received")],

  attempt_started: (event, rows) => {
    const { attempt, worker } = event.data;
    const text = attempt > 1 ? `started again, attempt ${attempt}` : "started";
    return [jobLine(event, { ...jobRow(rows, event.job), worker }, text)];
  },

  output_written: (event, rows) => {
    const job = jobRow(rows, event.job);
    return written(job, event).lines.map(({ key, at, raw }) => {
      return { ...jobLine(event, job, raw), key, at, stream: event.data.stream };
    });
  },

  attempt_lost: (event, rows) => {
    const { attempt, cause } = event.data;
    const text = `attempt ${attempt} lost: ${cause}; queued again`;
    return [jobLine(event, jobRow(rows, event.job), text)];
  },

  attempt_returned: (event, rows) => {
    const { attempt, cause } = event.data;
    const text = `attempt ${attempt} given back: ${cause}; queued again`;
    return [jobLine(event, jobRow(rows, event.job), text)];
  },

  attempt_failed: (event, rows) => {
    const { attempt, error, retry_at: retryAt } = event.data;
    const why = `${error.type}${error.message ? `: ${error.message}` : ""}`;
    const text = `attempt ${attempt} failed: ${why}; tried again in ${duration(retryAt - event.at)}`;
    return [jobLine(event, jobRow(rows, event.job), text)];
  },

  job_succeeded: (event, rows) => {
    const job = jobRow(rows, event.job);
    const took = job.startedAt ? ` in ${duration(event.at - job.startedAt)}` : "";
    const { preview } = event.data.result;
    return [jobLine(event, job, `finished${took}${preview ? `: ${preview}` : ""}`)];
  },

  job_failed: (event, rows) => {
    const { type, message } = event.data.error;
    const text = `failed: ${type}${message ? `: ${message}` : ""}`;
    return [jobLine(event, jobRow(rows, event.job), text)];
  },

  job_cancelled: (event, rows) => [jobLine(event, jobRow(rows, event.job), "cancelled")],

  worker_joined: (event) => {
    const { processes, python } = event.data;
    const text = `joined: ${count(processes, "process", "processes")}, Python ${python}`;
    return [workerLine(event, text)];
  },

  worker_left: (event) => [workerLine(event, `left: ${event.data.reason}`)],
};

function jobLine(event, job, text) {
  return {
    ...head(event, "jobs", job.worker ?? ""),
    task: job.task,
    id: shortId(event.job),
    name: event.job,
    text: shown(text),
  };
}

function workerLine(event, text) {
  const name = event.data.worker;
  const id = workerParts(name).pid;
  return { ...head(event, "workers", name), task: "worker", id, name, text };
}

function head({ type, seq, at }, log, worker) {
  // A log that began anew counts from 1 again: only the time tells its lines from the old ones.
  return { key: `${log} ${seq} ${at}`, log, at, kind: type, host: workerParts(worker).host };
}
