/**
 * How events change a job's record. Pure.
 *
 * @typedef {import("./wire.js").JobRecord} JobRecord
 * @typedef {import("./wire.js").LogEvent} LogEvent
 */

/** How much of a job's output a record keeps, in characters. */
const OUTPUT_CHARS = 65_536;
const PAIRS = /[\ud800-\udbff][\udc00-\udfff]/g;

/** Event -> the state before, and the state after. @type {Record<string, Record<string, string>>} */
const TRANSITIONS = {
  attempt_started: { queued: "running" },
  progress_reported: { running: "running" },
  curves_reported: { running: "running" },
  figures_displayed: { running: "running" },
  usage_reported: { running: "running" },
  output_written: { running: "running" },
  attempt_lost: { running: "queued" },
  attempt_returned: { running: "queued" },
  attempt_failed: { running: "queued" },
  job_succeeded: { running: "succeeded" },
  job_failed: { running: "failed", queued: "failed" },
  job_cancelled: { running: "cancelled", queued: "cancelled" },
};

/** What an event leaves out is in the record all the same. */
const NO_PROGRESS = { total: null, message: "", bars: [] };

/** @type {Record<string, (record: JobRecord, event: LogEvent) => Partial<JobRecord>>} */
const CHANGES = {
  attempt_started: (_, { at, data }) => ({
    attempt: data.attempt,
    worker: data.worker,
    started_at: iso(at),
    progress: null,
    curves: [],
    figures: [],
    usage: null,
    output: "",
    output_dropped_chars: 0,
    retry_at: null,
  }),
  progress_reported: (_, { data }) => ({ progress: { ...NO_PROGRESS, ...data, fraction: fraction(data) } }),
  curves_reported: (_, { data }) => ({ curves: data.curves }),
  figures_displayed: (_, { data }) => ({ figures: data.figures }),
  usage_reported: (_, { data }) => ({ usage: data.usage }),
  output_written: (record, { data }) => withOutput(record, data.text),
  attempt_lost: (record, event) => ended(record, event, "lost", event.data.cause),
  attempt_returned: (record, event) => ended(record, event, "returned", event.data.cause),
  attempt_failed: (record, event) => ({
    ...ended(record, event, "failed", summary(event.data.error)),
    retry_at: iso(event.data.retry_at),
  }),
  job_succeeded: (_, { at, data }) => ({
    finished_at: iso(at),
    retry_at: null,
    result: { table: null, ...data.result },
  }),
  job_failed: (_, { at, data }) => ({ finished_at: iso(at), retry_at: null, error: data.error }),
  job_cancelled: (_, { at }) => ({ finished_at: iso(at), retry_at: null }),
};

/**
 * Returns the record that a job begins with.
 * @param {LogEvent} event a `job_submitted`
 * @returns {JobRecord}
 */
export function submitted({ seq, at, job, data }) {
  return {
    id: job,
    task: data.task,
    state: "queued",
    seq,
    created_at: iso(at),
    started_at: null,
    finished_at: null,
    retry_at: null,
    attempt: 0,
    worker: null,
    progress: null,
    curves: [],
    figures: [],
    usage: null,
    output: "",
    output_dropped_chars: 0,
    error: null,
    result: null,
    past_attempts: [],
    options: data.options ?? {},
    after: data.after ?? [],
    ...(data.rerun && { rerun: data.rerun }),
  };
}

/**
 * Returns a record with an event folded in; null where that cannot follow: something is missing in
 * between, and the server must be asked.
 *
 * What is folded in already changes nothing, nor does a kind of event that is not known here.
 *
 * @param {JobRecord} record
 * @param {LogEvent} event
 * @returns {JobRecord | null}
 */
export function fold(record, event) {
  if (event.seq <= record.seq) return record;
  const change = Object.hasOwn(CHANGES, event.type) ? CHANGES[event.type] : undefined;
  if (change === undefined) return { ...record, seq: event.seq };
  const state = /** @type {JobRecord["state"] | undefined} */ (
    TRANSITIONS[event.type]?.[record.state]
  );
  if (state === undefined) return null;
  return { ...record, ...change(record, event), state, seq: event.seq };
}

/** @param {number} ms */
function iso(ms) {
  return new Date(ms).toISOString();
}

/** @param {{ done: number, total?: number | null }} progress */
function fraction({ done, total }) {
  return total ? Math.min(1, Math.max(0, done / total)) : null;
}

/** @param {{ type: string, message: string }} error */
function summary({ type, message }) {
  const first = (message ?? "").trim().split("\n", 1)[0];
  return first ? `${type}: ${first}` : type;
}

/**
 * @param {JobRecord} record @param {LogEvent} event
 * @param {"lost" | "failed" | "returned"} end @param {string} cause
 */
function ended(record, { at, data }, end, cause) {
  const past = { attempt: data.attempt, end, cause, at: iso(at) };
  return { started_at: null, past_attempts: [...record.past_attempts, past] };
}

/** @param {JobRecord} record @param {string} text */
function withOutput({ output, output_dropped_chars: before }, text) {
  const whole = output + text;
  // A character beyond the first 65,536 takes two units.
  const most = whole.length - OUTPUT_CHARS;
  const drop = most > 0 ? most - (whole.match(PAIRS) ?? []).length : 0;
  if (drop <= 0) return { output: whole };
  let at = 0;
  for (let left = drop; left > 0; left -= 1) at += (whole.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return { output: whole.slice(at), output_dropped_chars: before + drop };
}
