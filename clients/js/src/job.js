/**
 * One job: its record, which is kept current by what happens, and what can be done to it.
 *
 * @typedef {import("./cursor.js").Cursor} Cursor
 * @typedef {import("./wire.js").JobRecord} JobRecord
 * @typedef {import("./client.js").Client} Client
 * @typedef {{ signal?: AbortSignal }} Until
 */

import { JobCancelled, JobFailed, ResultNotJson } from "./errors.js";
import { jsonOf } from "./http.js";
import { isFinal } from "./wire.js";

const JSON_TYPE = "application/json";

export class Job {
  #client;
  #place;
  /** @type {Set<(error: Error | null) => void>} */
  #watchers = new Set();
  /** @type {Error | null} */
  #lost = null;

  /**
   * Not for users: see `Client.submit` and `Client.job`.
   * @param {Client} client @param {JobRecord} record
   * @param {Cursor | null} place before its first event, where that is known
   */
  constructor(client, record, place) {
    this.#client = client;
    this.#place = place;
    /** As of its last event that this client has read; nobody changes it. */
    this.record = record;
  }

  get id() {
    return this.record.id;
  }

  get task() {
    return this.record.task;
  }

  get state() {
    return this.record.state;
  }

  get isFinal() {
    return isFinal(this.record);
  }

  /**
   * Waits until the job is final, and returns its record; also of one that failed.
   * @param {Until} [until]
   * @returns {Promise<JobRecord>}
   */
  async wait({ signal } = {}) {
    if (this.isFinal) return this.record;
    if (this.#lost !== null) throw this.#lost;
    await this.#client.begin(signal);
    return new Promise((settle, fail) => {
      const stop = () => end(() => fail(signal?.reason));
      const release = this.watch((error) => {
        if (error !== null) end(() => fail(error));
        else if (this.isFinal) end(() => settle(this.record));
      });
      const end = (/** @type {() => void} */ tell) => {
        release();
        signal?.removeEventListener("abort", stop);
        tell();
      };
      signal?.addEventListener("abort", stop, { once: true });
      if (signal?.aborted) stop();
      else if (this.isFinal) end(() => settle(this.record));
    });
  }

  /**
   * Waits and returns what the task returned.
   * @param {Until} [until]
   * @returns {Promise<any>}
   * @throws {JobFailed | JobCancelled | ResultNotJson}
   */
  async result(until = {}) {
    const record = await this.wait(until);
    if (record.state === "failed") throw new JobFailed(record);
    if (record.state === "cancelled") throw new JobCancelled(record);
    if (record.result?.media_type !== JSON_TYPE) throw new ResultNotJson(record);
    return jsonOf(await this.#stored(record, until));
  }

  /**
   * Waits and returns the bytes of what the task returned, whatever they are.
   * @param {Until} [until]
   * @returns {Promise<{ mediaType: string, bytes: Uint8Array }>}
   */
  async resultBytes(until = {}) {
    const record = await this.wait(until);
    if (record.state === "failed") throw new JobFailed(record);
    if (record.state === "cancelled") throw new JobCancelled(record);
    const { bytes } = await this.#stored(record, until);
    return { mediaType: record.result?.media_type ?? "", bytes };
  }

  /** @param {JobRecord} record @param {Until} until */
  async #stored(record, until) {
    const inline = record.result?.inline ?? null;
    if (inline === null) {
      return this.#client.send(`jobs/${this.id}/result`, { accept: "*/*", ...until });
    }
    const bytes = Uint8Array.from(atob(inline), (char) => char.charCodeAt(0));
    return { status: 200, headers: new Headers(), bytes };
  }

  /**
   * Returns all that is kept of what the current attempt printed.
   * @param {Until} [until]
   */
  async output(until = {}) {
    const asked = { accept: "text/plain", ...until };
    const { bytes } = await this.#client.send(`jobs/${this.id}/output`, asked);
    return new TextDecoder().decode(bytes);
  }

  /**
   * Yields the job's events and ends behind the last of them: of one that this client submitted all,
   * else those that come from now on.
   * @param {{ from?: import("./stream.js").From, signal?: AbortSignal }} [options]
   */
  events({ from = this.#place ?? "now", signal } = {}) {
    return this.#client.stream({ jobs: [this], from, signal });
  }

  /**
   * Cancels the job at once, queued or running; one that is final stays as it is.
   * @param {Until & { dependents?: boolean }} [options] `dependents`: those that wait for its result, too
   */
  async cancel({ dependents = false, signal } = {}) {
    const path = `jobs/${this.id}/cancel${dependents ? "?dependents=true" : ""}`;
    const asked = { method: "POST", json: {}, isRepeatable: true, signal };
    this.take(jsonOf(await this.#client.send(path, asked)));
    return this.record;
  }

  /**
   * Submits it again, if it failed or was cancelled, and returns the new job.
   * @param {Until & { key?: string }} [options]
   */
  async retry({ key, signal } = {}) {
    return this.#client.retry(this.id, { key, signal });
  }

  /**
   * Asks the server for the record, and returns it.
   * @param {Until} [until]
   */
  async refresh(until = {}) {
    this.take(jsonOf(await this.#client.send(`jobs/${this.id}`, until)));
    return this.record;
  }

  /**
   * Calls back when the record has changed, or with an error when nothing more will be told; returns
   * what ends that.
   * @param {(error: Error | null) => void} call
   */
  watch(call) {
    // The same function twice is two watchers.
    const own = (/** @type {Error | null} */ error) => call(error);
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  }

  /** Takes a record; an older one changes nothing. Not for users. @param {JobRecord} record */
  take(record) {
    // One as of the same event may have more in it: lists leave things out.
    if (record === this.record || record.seq < this.record.seq) return;
    this.record = record;
    for (const tell of [...this.#watchers]) tell(null);
  }

  /** Takes note that nothing more will be told. Not for users. @param {Error} error @param {boolean} isGone */
  fail(error, isGone = false) {
    if (isGone) this.#lost = error;
    for (const tell of [...this.#watchers]) tell(error);
  }
}
