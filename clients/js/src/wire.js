/**
 * The forms of docs/protocol.md, as types, and what tells whether something has them. Pure.
 *
 * Fields and kinds of events that are not named here are passed on as they came.
 *
 * @typedef {"queued" | "running" | "succeeded" | "failed" | "cancelled"} JobState
 *
 * @typedef {object} Progress
 * @property {number} done
 * @property {number | null} [total] null where nobody knows
 * @property {string} [message]
 * @property {{ name: string, done: number, total: number | null }[]} [bars]
 * @property {number | null} [fraction] of a record: `done / total` within 0..1
 *
 * @typedef {object} Curve
 * @property {string} name
 * @property {number[]} x
 * @property {(number | null)[]} y null for a value that is not finite
 *
 * @typedef {object} Figure
 * @property {string} name
 * @property {string} media_type
 * @property {number} size_bytes
 * @property {string | null} digest of the blob that it is
 * @property {string | null} inline itself in base64
 * @property {string} text
 *
 * @typedef {{ memory_bytes: number, peak_bytes: number, cores: number }} Usage
 * @typedef {{ type: string, message: string, traceback: string }} ErrorInfo
 *
 * @typedef {object} ResultInfo
 * @property {string} media_type `application/json`, or that of a pickle
 * @property {number} size_bytes
 * @property {string} preview
 * @property {string | null} inline the encoded value in base64, where it is small
 * @property {object | null} [table] the beginning of one
 *
 * @typedef {object} PastAttempt
 * @property {number} attempt
 * @property {"lost" | "failed" | "returned"} end
 * @property {string} cause
 * @property {string} at ISO 8601
 *
 * @typedef {object} Options how a job is to be run, and how it is found again
 * @property {string} [name] what the user calls it
 * @property {string} [session] the notebook, or whatever else, that it belongs to
 * @property {number} [retries] how often it is tried again after it raised
 * @property {string[]} [retry_on] the exceptions after which
 * @property {number} [timeout_s] for one attempt
 * @property {number} [memory_mib]
 * @property {number} [cpus] cores that its worker must have
 * @property {string[]} [tags] that it must have
 * @property {string} [python] its minor version, such as "3.12"
 * @property {Record<string, string>} [packages] what it must have installed: name -> specifier
 * @property {string} [queue]
 * @property {number} [priority] -100 to 100
 * @property {string} [trace] W3C's `traceparent`
 *
 * @typedef {object} Rerun
 * @property {{ part: string, before: string, now: string }[]} [changes] what differs from the last such call
 * @property {number} [more] how many others differ
 * @property {string} [unsure] why it cannot be told from others
 * @property {boolean} [is_renewed] whether that was asked for
 *
 * @typedef {object} JobRecord a job as of event `seq`; times are ISO 8601
 * @property {string} id
 * @property {string} task
 * @property {JobState} state
 * @property {number} seq
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} finished_at
 * @property {string | null} retry_at
 * @property {number} attempt
 * @property {string | null} worker
 * @property {Progress | null} progress
 * @property {Curve[]} curves
 * @property {Figure[]} figures
 * @property {Usage | null} usage
 * @property {string} output
 * @property {number} output_dropped_chars
 * @property {ErrorInfo | null} error
 * @property {ResultInfo | null} result
 * @property {PastAttempt[]} past_attempts
 * @property {Options} options
 * @property {string[]} after the jobs whose results it is given
 * @property {Rerun} [rerun] why it was run though an earlier result was asked for
 * @property {boolean} [is_recalled] whether it answers a submission with an earlier result
 *
 * @typedef {object} LogEvent
 * @property {number} seq
 * @property {number} at milliseconds since the Unix epoch
 * @property {string} type
 * @property {string} job empty for what happened to a worker
 * @property {any} data
 *
 * @typedef {object} GapTold stands where events are missing: read the state anew
 * @property {"gap"} type
 * @property {string} log
 * @property {string} epoch
 * @property {number} seq the log goes on behind this
 * @property {""} job
 *
 * @typedef {"jobs" | "workers"} LogName
 * @typedef {{ log: string, epoch: string, events: LogEvent[], head: number, is_gap?: boolean }} Stretch
 * @typedef {{ log: string, epoch: string, seq: number }} Place
 */

/** The protocol that this client speaks. */
export const PROTOCOL = 1;

const FINAL_EVENTS = new Set(["job_succeeded", "job_failed", "job_cancelled"]);
const FINAL_STATES = new Set(["succeeded", "failed", "cancelled"]);

/** Returns whether an event makes its job final. @param {{ type: string }} event */
export function isFinalEvent({ type }) {
  return FINAL_EVENTS.has(type);
}

/** Returns whether nothing can change a job any more. @param {{ state: string }} record */
export function isFinal({ state }) {
  return FINAL_STATES.has(state);
}

/** @param {any} said @returns {said is Stretch} */
export function isStretch(said) {
  return isNamed(said) && isCount(said.head) && Array.isArray(said.events) && said.events.every(isEvent);
}

/** @param {any} said @returns {said is Place} */
export function isPlace(said) {
  return isNamed(said) && isCount(said.seq);
}

/** @param {any} said */
function isNamed(said) {
  return typeof said === "object" && said !== null && typeof said.epoch === "string";
}

/** @param {any} said */
function isEvent(said) {
  return typeof said === "object" && said !== null && isCount(said.seq) && typeof said.type === "string";
}

/** @param {any} said */
function isCount(said) {
  return Number.isSafeInteger(said) && said >= 0;
}
