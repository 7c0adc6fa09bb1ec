/**
 * Events as an async iterator, each once and in order, at the pace of whoever takes them.
 *
 * Who takes them slowly does not have them pile up: beyond a bound they are left in the log and read
 * from there when there is room, as what happened before is.
 *
 * @typedef {import("./cursor.js").Cursor} Cursor
 * @typedef {import("./job.js").Job} Job
 * @typedef {import("./tail.js").Tail} Tail
 * @typedef {import("./http.js").Http} Http
 * @typedef {import("./wire.js").LogEvent} LogEvent
 * @typedef {import("./wire.js").GapTold} GapTold
 * @typedef {import("./wire.js").LogName} LogName
 *
 * @typedef {"now" | "start" | { epoch: string, after: number, at?: number }} From where to begin: behind
 *   what has happened, at the beginning of the log, or behind a cursor that was kept
 */

import { placeOf, receive, START } from "./cursor.js";
import { DecodeError } from "./errors.js";
import { either, pause, unlessAborted } from "./pause.js";
import { readEvents } from "./tail.js";
import { isFinalEvent, isStretch } from "./wire.js";

/** So many events wait in memory for one reader. */
const MOST_WAITING = 2_000;
const AGAIN_MS = 100;

/** @implements {AsyncIterableIterator<LogEvent | GapTold>} */
export class EventStream {
  #tail;
  #http;
  #from;
  /** Those whose end has not been handed out; null for all jobs. @type {Map<string, Job> | null} */
  #jobs;
  /** Through what was handed out. @type {Cursor} */
  #cursor;
  /** Through what waits, too. @type {Cursor} */
  #place = START;
  /** @type {{ event: LogEvent | GapTold, cursor: Cursor }[]} */
  #waiting = [];
  /** Whether what comes next is in the log only. */
  #isBehind = true;
  /** @type {Error | null} */
  #failure = null;
  #isEnded = false;
  #wake = () => {};
  #stop;
  #items;

  /**
   * Not for users: see `Client.events`, `Job.events` and `Batch.events`.
   * @param {Tail} tail @param {Http} http
   * @param {{ log?: LogName, jobs?: Job[] | null, from?: From, signal?: AbortSignal }} what
   */
  constructor(tail, http, { log = "jobs", jobs = null, from = "now", signal }) {
    this.#tail = tail;
    this.#http = http;
    this.log = log;
    this.#from = from;
    this.#jobs = jobs === null ? null : new Map(jobs.map((job) => [job.id, job]));
    this.#cursor = typeof from === "object" ? { ...START, ...from } : START;
    this.#stop = either(signal);
    this.#items = this.#run();
  }

  /** How far was read: `from` of a later stream, which goes on behind the last event of this one. */
  get cursor() {
    return this.#cursor;
  }

  next() {
    return this.#items.next();
  }

  /** @returns {Promise<IteratorResult<LogEvent | GapTold>>} */
  return() {
    this.end();
    this.#stop.release();
    return this.#items.return(undefined);
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {AsyncGenerator<LogEvent | GapTold, undefined, undefined>} */
  async *#run() {
    const { signal, release } = this.#stop;
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake);
    /** @type {(() => void)[]} */
    let unwatch = [];
    try {
      await unlessAborted(this.#tail.begin(), signal);
      this.#enter();
      unwatch = [...(this.#jobs?.values() ?? [])].map((job) => job.watch((error) => this.#look(error)));
      for (;;) {
        if (this.#isEnded) return;
        if (signal.aborted) throw signal.reason;
        const next = this.#waiting.shift();
        if (next !== undefined) {
          this.#cursor = next.cursor;
          yield next.event;
        } else if (this.#failure !== null) throw this.#failure;
        else if (this.#isOver()) return;
        else if (this.#isBehind) await this.#catchUp(signal);
        else await new Promise((/** @type {(value?: undefined) => void} */ settle) => (this.#wake = settle));
      }
    } catch (error) {
      if (!this.#isEnded) throw error;
    } finally {
      for (const end of unwatch) end();
      signal.removeEventListener("abort", wake);
      release();
      this.#tail.remove(this);
    }
  }

  #enter() {
    if (this.#from === "now") {
      this.#place = this.#tail.cursor(this.log);
      this.#isBehind = false;
    } else this.#place = this.#cursor;
    this.#cursor = this.#place;
    this.#tail.add(this);
  }

  /** A job of ours has changed, or will not be told of any more. @param {Error | null} error */
  #look(error) {
    if (error !== null) this.fail(error);
    else this.#wake();
  }

  /** Returns whether all that is followed has ended, at the latest where this stands. */
  #isOver() {
    if (this.#jobs === null || this.#isBehind) return false;
    for (const [id, job] of this.#jobs) {
      if (job.isFinal && job.record.seq <= this.#place.after) this.#jobs.delete(id);
    }
    return this.#jobs.size === 0;
  }

  /** Takes what has just happened. @param {LogEvent[]} events */
  give(events) {
    if (this.#isBehind) return;
    this.#take(this.#tail.cursor(this.log).epoch, events);
    this.#wake();
  }

  /** Events are gone; what comes is behind `cursor`. @param {Cursor} cursor */
  lose(cursor) {
    // Who is behind may find in the log what others have missed.
    if (this.#isBehind) return;
    this.#tellGap(cursor);
    this.#wake();
  }

  /** Ends with an error, behind what waits. @param {Error} error */
  fail(error) {
    this.#failure ??= error;
    this.#wake();
  }

  /** Ends. */
  end() {
    this.#isEnded = true;
    this.#stop.abort(new Error("ended"));
    this.#wake();
  }

  /** @param {string} epoch @param {LogEvent[]} events */
  #take(epoch, events) {
    for (const event of events) {
      if (event.seq <= this.#place.after) continue;
      if (this.#waiting.length >= MOST_WAITING) {
        this.#isBehind = true;
        return;
      }
      this.#place = placeOf(epoch, event);
      if (this.#jobs !== null && !this.#jobs.has(event.job)) continue;
      if (isFinalEvent(event)) this.#jobs?.delete(event.job);
      this.#waiting.push({ event, cursor: this.#place });
    }
  }

  /** @param {Cursor} cursor */
  #tellGap(cursor) {
    this.#place = cursor;
    const { epoch, after: seq } = cursor;
    const event = /** @type {GapTold} */ ({ type: "gap", log: this.log, epoch, seq, job: "" });
    this.#waiting.push({ event, cursor });
  }

  /** Reads on in the log, and is live where that ends. @param {AbortSignal} signal */
  async #catchUp(signal) {
    const asked = { log: this.log, cursor: this.#place, signal, patienceMs: Infinity };
    const page = await readEvents(this.#http, asked);
    if (!isStretch(page)) throw new DecodeError("the server's events cannot be read");
    const before = this.#place.after;
    const isStart = this.#place.epoch === "" && before === 0;
    const { fresh, isGap, isTrimmed } = receive(this.#place, page);
    if ((page.is_gap && !isStart) || isGap) {
      this.#tellGap({ epoch: page.epoch, after: page.head, at: 0 });
    } else {
      const [first] = fresh;
      if (isTrimmed && first) this.#tellGap({ epoch: page.epoch, after: first.seq - 1, at: 0 });
      this.#isBehind = false;
      this.#take(page.epoch, fresh);
      // What did not fit is read again.
      if (this.#isBehind) return;
    }
    // Where the tail stands here, or before, what it gives next leaves nothing out.
    const { epoch, after } = this.#tail.cursor(this.log);
    const isSame = [this.#place.epoch, ""].includes(epoch) || this.#place.epoch === "";
    this.#isBehind = !isSame || this.#place.after < after;
    if (this.#isBehind && this.#place.after === before) await pause(AGAIN_MS, signal);
  }
}
