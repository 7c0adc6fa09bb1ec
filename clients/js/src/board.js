/**
 * The jobs that a client holds, kept current by folding events into their records.
 *
 * @typedef {import("./job.js").Job} Job
 * @typedef {import("./wire.js").JobRecord} JobRecord
 * @typedef {import("./wire.js").LogEvent} LogEvent
 */

import { fold, submitted } from "./fold.js";

/** Of so many jobs that nobody holds it is remembered how far they had come. */
const PASSED = 10_000;

export class Board {
  /** Those that are not final, by id. @type {Map<string, Set<Job>>} */
  #held = new Map();
  /** New ones, while an answer is awaited that may say that they are ours. @type {Map<string, JobRecord>} */
  #strays = new Map();
  #awaited = 0;
  /** The last event of those that nobody followed. @type {Map<string, number>} */
  #passed = new Map();

  /** Returns the ids of all that are held. */
  get ids() {
    return [...this.#held.keys()];
  }

  /**
   * Keeps a job current from now on; returns whether its record is older than events that have passed,
   * so that the server must be asked. Its events may have come before the answer that it was made by.
   * @param {Job} job
   */
  hold(job) {
    const stray = this.#strays.get(job.id);
    this.#strays.delete(job.id);
    if (stray !== undefined) job.take({ ...job.record, ...stray });
    if (job.isFinal) return false;
    const others = this.#held.get(job.id) ?? new Set();
    for (const other of others) job.take(other.record);
    this.#held.set(job.id, others.add(job));
    return (this.#passed.get(job.id) ?? 0) > job.record.seq;
  }

  /**
   * Follows new jobs of whomever until the returned function is called.
   *
   * Their events may come before the answer to the request that submitted them.
   */
  await() {
    this.#awaited += 1;
    return () => {
      this.#awaited -= 1;
      if (this.#awaited === 0) this.forgetStrays();
    };
  }

  /**
   * Takes events in the order of the log; returns the ids of jobs that miss something before them.
   * @param {LogEvent[]} events
   */
  fold(events) {
    const stale = [];
    for (const event of events) {
      const jobs = this.#held.get(event.job);
      if (jobs === undefined) this.#foldStray(event);
      else if (!this.#foldHeld(jobs, event)) stale.push(event.job);
    }
    return stale;
  }

  /** @param {Set<Job>} jobs @param {LogEvent} event */
  #foldHeld(jobs, event) {
    let isWhole = true;
    for (const job of jobs) {
      const record = fold(job.record, event);
      if (record === null) isWhole = false;
      else job.take(record);
      if (job.isFinal) this.#letGo(job.id);
    }
    return isWhole;
  }

  /** @param {LogEvent} event */
  #foldStray(event) {
    const isNew = event.type === "job_submitted" && this.#awaited > 0;
    const known = this.#strays.get(event.job);
    const record = isNew ? submitted(event) : known && fold(known, event);
    if (record) this.#strays.set(event.job, record);
    else {
      this.#strays.delete(event.job);
      this.#pass(event.job, event.seq);
    }
  }

  /** Takes a record that the server brought. @param {JobRecord} record */
  replace(record) {
    for (const job of this.#held.get(record.id) ?? []) {
      job.take(record);
      if (job.isFinal) this.#letGo(job.id);
    }
  }

  /** Events were lost: what is not held is not followed any more. */
  forgetStrays() {
    for (const [id, { seq }] of this.#strays) this.#pass(id, seq);
    this.#strays.clear();
  }

  /** Tells all who wait that nothing more will be told for now. @param {Error} error */
  fail(error) {
    for (const jobs of this.#held.values()) for (const job of jobs) job.fail(error);
  }

  /** The server does not know a job any more. @param {string} id @param {Error} error */
  lose(id, error) {
    const jobs = this.#held.get(id) ?? [];
    this.#held.delete(id);
    for (const job of jobs) job.fail(error, true);
  }

  /** @param {string} id */
  #letGo(id) {
    const [job] = this.#held.get(id) ?? [];
    this.#held.delete(id);
    if (job !== undefined) this.#pass(id, job.record.seq);
  }

  /** @param {string} id @param {number} seq */
  #pass(id, seq) {
    this.#passed.delete(id);
    this.#passed.set(id, seq);
    const [oldest] = this.#passed.keys();
    if (oldest !== undefined && this.#passed.size > PASSED) this.#passed.delete(oldest);
  }
}
