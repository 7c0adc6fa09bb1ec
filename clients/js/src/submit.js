/**
 * Sends submissions: many in a request, each under its key, so that none is made twice.
 *
 * @typedef {import("./wire.js").JobRecord} JobRecord
 * @typedef {import("./http.js").Http} Http
 * @typedef {{ job: JobRecord } | { error: Error }} Outcome
 * @typedef {{ index: number, body: object, size: number }} Waiting
 */

import { delayMs } from "./backoff.js";
import { PayloadTooLarge, QuotaReached, TaskkitError, errorOf } from "./errors.js";
import { pause } from "./pause.js";

/** How many jobs, and about how many bytes, travel in one request. */
const MOST_JOBS = 500;
const MOST_BYTES = 16 * 2 ** 20;

/** Returns a new idempotency key; `crypto.randomUUID` is for secure contexts only. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Has the server take jobs, and returns what became of each, in their order.
 *
 * Those for which a user's quota has no room are sent again while others are taken, and so long after
 * that as requests are repeated.
 *
 * @param {Http} http
 * @param {object[]} bodies as `POST /jobs` takes them, each with its `key`
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome[]>}
 */
export async function submitAll(http, bodies, signal) {
  /** @type {Outcome[]} */
  const outcomes = new Array(bodies.length);
  let waiting = bodies.map((body, index) => ({ index, body, size: JSON.stringify(body).length }));
  let failures = 0;
  let until = Infinity;
  while (waiting.length > 0) {
    const together = fitting(waiting);
    const rest = waiting.slice(together.length);
    const held = await send(http, together, outcomes, signal);
    waiting = [...held.requests, ...rest];
    if (held.error === null) continue;
    if (held.requests.length < together.length) failures = 0;
    if (failures === 0) until = Date.now() + http.patienceMs;
    const isHopeless = !(held.error instanceof QuotaReached) || Date.now() > until;
    if (isHopeless) {
      for (const { index } of waiting) outcomes[index] = { error: held.error };
      break;
    }
    await pause(delayMs(failures), signal);
    failures += 1;
  }
  return outcomes;
}

/**
 * Sends some and notes what became of them; returns those that were not taken yet, and why.
 * @param {Http} http @param {Waiting[]} requests @param {Outcome[]} outcomes @param {AbortSignal} signal
 * @returns {Promise<{ requests: Waiting[], error: Error | null }>}
 */
async function send(http, requests, outcomes, signal) {
  const json = { jobs: requests.map(({ body }) => body) };
  let answers;
  try {
    answers = await http.ask("jobs", { method: "POST", json, isRepeatable: true, signal });
  } catch (error) {
    if (signal.aborted || !(error instanceof TaskkitError)) throw error;
    if (!(error instanceof PayloadTooLarge)) return { requests, error };
    if (requests.length === 1) {
      for (const { index } of requests) outcomes[index] = { error };
      return { requests: [], error: null };
    }
    const half = requests.length >> 1;
    const first = await send(http, requests.slice(0, half), outcomes, signal);
    if (first.error !== null) {
      return { requests: [...first.requests, ...requests.slice(half)], error: first.error };
    }
    return send(http, requests.slice(half), outcomes, signal);
  }
  /** @type {Waiting[]} */
  const held = [];
  let why = null;
  for (const [n, request] of requests.entries()) {
    const { job, problem } = answers.jobs[n];
    const error = job === undefined ? errorOf(problem, problem.status) : null;
    if (error instanceof QuotaReached) {
      held.push(request);
      why = error;
    } else outcomes[request.index] = error === null ? { job } : { error };
  }
  return { requests: held, error: why };
}

/** @param {Waiting[]} waiting */
function fitting(waiting) {
  let [many, size] = [0, 0];
  for (const one of waiting) {
    size += one.size;
    if (many === MOST_JOBS || (many > 0 && size > MOST_BYTES)) break;
    many += 1;
  }
  return waiting.slice(0, many);
}
