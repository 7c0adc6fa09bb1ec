/**
 * A user of a taskkit server: submits jobs, follows what happens, and finds jobs again.
 *
 * @typedef {import("./wire.js").JobRecord} JobRecord
 * @typedef {import("./wire.js").JobState} JobState
 * @typedef {import("./wire.js").Options} Options
 * @typedef {import("./job.js").Until} Until
 *
 * @typedef {Record<string, unknown> | unknown[]} Arguments by name, or by place
 *
 * @typedef {object} Request one job of several
 * @property {string} task
 * @property {Arguments} [arguments]
 * @property {Options} [options]
 * @property {string} [key] the same key is the same job, for as long as that is kept
 *
 * @typedef {object} Filter
 * @property {string} [name] the job's name, or its task's
 * @property {JobState | JobState[]} [state]
 * @property {string | Date} [since]
 * @property {string | Date} [until] itself not within
 * @property {string} [session]
 * @property {string} [q] a part of name, task or id
 *
 * @typedef {object} ClientOptions
 * @property {string | null | (() => string | null)} [token] null where the server wants none
 * @property {any} [io] what `socket.io-client` exports under this name
 * @property {typeof globalThis.fetch} [fetch]
 * @property {number} [patienceMs] how long a request is repeated while the server cannot; a minute
 * @property {number} [timeoutMs] without a byte of an answer for so long none comes; a minute
 * @property {number} [silenceMs] without an event or heartbeat for so long the connection is made
 *   anew; 15 s
 */

import { Batch } from "./batch.js";
import { Http, jsonOf } from "./http.js";
import { Job } from "./job.js";
import { either, unlessAborted } from "./pause.js";
import { EventStream } from "./stream.js";
import { randomKey, submitAll } from "./submit.js";
import { Tail } from "./tail.js";

const PAGE = 200;

export class Client {
  #http;
  #tail;

  /**
   * Asks nothing yet: what is wrong with address or token is told by the first request.
   * @param {string | URL} url where the server is, as the page is
   * @param {ClientOptions} [options]
   */
  constructor(url, { io, token = null, silenceMs, ...options } = {}) {
    const base = new URL(url);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    this.#http = new Http(new URL("v1/", base), { ...options, token });
    this.#tail = new Tail(this.#http, { io, base, token: this.#http.token, silenceMs });
  }

  /** Why no news come at the moment; empty while they do. */
  get cut() {
    return this.#tail.cut;
  }

  /**
   * Has a named task run.
   *
   * The request is repeated until the server has the job, and makes one job however often it arrives.
   *
   * @param {string} task
   * @param {Arguments} [args]
   * @param {Options & Until & { key?: string }} [options]
   * @returns {Promise<Job>}
   */
  async submit(task, args = {}, { key, signal, ...options } = {}) {
    const [answer] = (await this.#submit([{ task, arguments: args, options, key }], signal)).answers;
    if (!(answer instanceof Job)) throw answer;
    return answer;
  }

  /**
   * Has several jobs made, and returns what became of each: of those that are refused, why.
   * @param {Request[]} requests
   * @param {Until} [until]
   * @returns {Promise<Batch>}
   * @throws {TaskkitError} None was accepted, for one reason.
   */
  async submitAll(requests, { signal } = {}) {
    const batch = await this.#submit(requests, signal);
    const [error] = batch.errors;
    if (error !== undefined && batch.answers.every((one) => one === error)) throw error;
    return batch;
  }

  /** @param {Request[]} requests @param {AbortSignal | undefined} outer */
  async #submit(requests, outer) {
    await this.begin(outer);
    const place = this.#tail.cursor("jobs");
    const { signal, release } = either(outer, this.#tail.signal);
    const known = this.#tail.board.await();
    try {
      const outcomes = await submitAll(this.#http, requests.map(bodyOf), signal);
      const answers = outcomes.map((one) => ("job" in one ? this.#held(one.job, place) : one.error));
      return new Batch(this, answers, place);
    } finally {
      known();
      release();
    }
  }

  /** @param {JobRecord} record @param {import("./cursor.js").Cursor | null} place */
  #held(record, place) {
    const job = new Job(this, record, place);
    this.#tail.hold(job);
    return job;
  }

  /**
   * Returns a job that was submitted before, by whatever client of this user's.
   * @param {string} id
   * @param {Until} [until]
   */
  async job(id, { signal } = {}) {
    await this.begin(signal);
    const record = await this.#ask(`jobs/${encodeURIComponent(id)}`, { signal });
    return this.#held(record, null);
  }

  /**
   * Yields the user's jobs, the newest first.
   * @param {Filter & Until} [filter]
   * @returns {AsyncGenerator<Job, void, undefined>}
   */
  async *jobs({ signal, ...filter } = {}) {
    await this.begin(signal);
    const query = queryOf(filter);
    for (let cursor = null; ; ) {
      if (cursor !== null) query.set("cursor", cursor);
      const { jobs, next } = await this.#ask(`jobs?${query}`, { signal });
      for (const record of jobs) yield this.#held(record, null);
      if (next === null) return;
      cursor = next;
    }
  }

  /**
   * Submits a job again that failed or was cancelled, and returns the new one.
   * @param {string} id
   * @param {Until & { key?: string }} [options]
   */
  async retry(id, { key = randomKey(), signal } = {}) {
    await this.begin(signal);
    const place = this.#tail.cursor("jobs");
    const known = this.#tail.board.await();
    try {
      const asked = { method: "POST", json: {}, key, signal };
      return this.#held(await this.#ask(`jobs/${id}/retry`, asked), place);
    } finally {
      known();
    }
  }

  /**
   * Yields what happens to all of the user's jobs (or, in the log `workers`, to the workers), without
   * an end; where events are not kept any more, an item of the type `gap`.
   * @param {{ log?: import("./wire.js").LogName, from?: import("./stream.js").From,
   *   signal?: AbortSignal }} [options]
   */
  events(options = {}) {
    return this.stream(options);
  }

  /** Not for users. @param {ConstructorParameters<typeof EventStream>[2]} what */
  stream(what) {
    return new EventStream(this.#tail, this.#http, what);
  }

  /** Tells who the token is, and what it allows. @param {Until} [until] */
  async hello(until) {
    return this.#ask("hello", until);
  }

  /** Lists the named tasks, with the schemas of their arguments. @param {Until} [until] */
  async tasks(until) {
    return (await this.#ask("tasks", until)).tasks;
  }

  /** Lists the workers that are there. @param {Until} [until] */
  async workers(until) {
    return (await this.#ask("workers", until)).workers;
  }

  /** Lists the queues. @param {Until} [until] */
  async queues(until) {
    return (await this.#ask("queues", until)).queues;
  }

  /** Counts the user's jobs by their states. @param {Until} [until] */
  async counts(until) {
    return (await this.#ask("counts", until)).counts;
  }

  /**
   * Follows the logs from now on; all that needs it does so itself. Settles when the server has said
   * where they end.
   * @param {AbortSignal} [signal]
   */
  async begin(signal) {
    this.#tail.signal.throwIfAborted();
    await unlessAborted(this.#tail.begin(), signal);
  }

  /** Ends everything: waits are rejected with `ClientClosed`, streams end, no timer or socket is left. */
  close() {
    this.#tail.close();
  }

  /** @param {string} path @param {import("./http.js").Asked} [asked] */
  async #ask(path, asked) {
    return jsonOf(await this.send(path, asked));
  }

  /**
   * Asks for what has no method of its own here, below `/v1/`, and returns the answer.
   * @param {string} path @param {import("./http.js").Asked} [asked]
   */
  async send(path, asked = {}) {
    const { signal, release } = either(asked.signal, this.#tail.signal);
    try {
      return await this.#http.send(path, { ...asked, signal });
    } finally {
      release();
    }
  }
}

/** @param {Request} request */
function bodyOf({ task, arguments: args = {}, options = {}, key = randomKey() }) {
  const given = Array.isArray(args) ? { positional: args } : { arguments: args };
  return { task, ...given, options, key };
}

/** @param {Filter} filter */
function queryOf({ state = [], ...filter }) {
  const query = new URLSearchParams({ limit: String(PAGE) });
  for (const one of [state].flat()) query.append("state", one);
  for (const [name, value] of Object.entries(filter)) {
    if (value === undefined) continue;
    query.set(name, value instanceof Date ? value.toISOString() : value);
  }
  return query;
}
