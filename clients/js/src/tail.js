/**
 * The live end of a user's logs: one feed for all that a client follows.
 *
 * @typedef {import("./cursor.js").Cursor} Cursor
 * @typedef {import("./http.js").Http} Http
 * @typedef {import("./job.js").Job} Job
 * @typedef {import("./stream.js").EventStream} EventStream
 * @typedef {import("./wire.js").LogEvent} LogEvent
 * @typedef {{ owner: string, scopes: string[], protocol: number, version: string,
 *   logs: Record<string, { epoch: string, seq: number }>, shared: object | null }} Hello
 */

import { Board } from "./board.js";
import { START } from "./cursor.js";
import { ClientClosed, Forbidden, JobNotFound, ProtocolMismatch, TaskkitError } from "./errors.js";
import { Feed, SILENCE_MS } from "./feed.js";
import { PROTOCOL } from "./wire.js";

const LOGS = ["jobs", "workers"];
/** So many records are asked for at once, after events were lost. */
const AT_ONCE = 4;

export class Tail {
  board = new Board();
  /** Why no news come; empty while they do. */
  cut = "not connected yet";
  #http;
  #toFeed;
  #over = new AbortController();
  /** @type {Feed | null} */
  #feed = null;
  /** @type {Promise<void> | null} */
  #beginning = null;
  /** @type {Set<EventStream>} */
  #streams = new Set();
  /** Jobs of which the record is to be asked for. @type {Set<string>} */
  #stale = new Set();
  #asking = 0;

  /**
   * @param {Http} http
   * @param {{ io: any, base: URL, token: () => string | null, silenceMs?: number }} toFeed
   */
  constructor(http, toFeed) {
    this.#http = http;
    this.#toFeed = toFeed;
  }

  /** Aborted when all is over. */
  get signal() {
    return this.#over.signal;
  }

  /** Returns how far a log was read. @param {string} log @returns {Cursor} */
  cursor(log) {
    return this.#feed?.cursor(log) ?? START;
  }

  /** Follows the logs from now on; settles when it is known where they end. */
  begin() {
    this.#beginning ??= this.#begin().catch((error) => {
      this.#beginning = null;
      throw error;
    });
    return this.#beginning;
  }

  async #begin() {
    const hello = await this.#http.ask("hello", { signal: this.signal });
    requireUnderstood(hello);
    this.signal.throwIfAborted();
    this.#feed ??= this.#newFeed(hello);
    this.#feed.open();
  }

  /** @param {Hello} hello */
  #newFeed({ logs }) {
    const place = (/** @type {string} */ log) => {
      const { epoch, seq } = logs[log] ?? { epoch: "", seq: 0 };
      return [log, { epoch, after: seq, at: 0 }];
    };
    return new Feed({
      ...this.#toFeed,
      cursors: Object.fromEntries(LOGS.map(place)),
      read: (log, cursor, signal) => {
        // The feed itself tries again.
        const timing = { patienceMs: 0, timeoutMs: this.#toFeed.silenceMs ?? SILENCE_MS };
        return readEvents(this.#http, { log, cursor, signal, ...timing });
      },
      told: {
        opened: () => (this.cut = ""),
        closed: (reason) => (this.cut = reason),
        refused: (error) => this.#refused(/** @type {Error} */ (error)),
        received: (log, events) => this.#received(log, events),
        lost: (log, cursor) => this.#lost(log, cursor),
      },
    });
  }

  /** @param {string} log @param {LogEvent[]} events */
  #received(log, events) {
    if (events.length === 0) return;
    if (log === "jobs") this.renew(this.board.fold(events));
    for (const stream of this.#streams) if (stream.log === log) stream.give(events);
  }

  /** @param {string} log @param {Cursor} cursor */
  #lost(log, cursor) {
    for (const stream of this.#streams) if (stream.log === log) stream.lose(cursor);
    if (log !== "jobs") return;
    this.board.forgetStrays();
    this.renew(this.board.ids);
  }

  /** @param {Error} error */
  #refused(error) {
    this.cut = error.message;
    // Who asks next finds out whether that is so still.
    this.#beginning = null;
    this.#tellAll(error);
  }

  /** @param {Error} error */
  #tellAll(error) {
    this.board.fail(error);
    for (const stream of [...this.#streams]) stream.fail(error);
  }

  /** Keeps a job current. @param {Job} job */
  hold(job) {
    if (this.board.hold(job)) this.renew([job.id]);
  }

  /** @param {EventStream} stream */
  add(stream) {
    this.#streams.add(stream);
  }

  /** @param {EventStream} stream */
  remove(stream) {
    this.#streams.delete(stream);
  }

  /** Has the records of some jobs asked for, a few at a time. @param {string[]} ids */
  renew(ids) {
    for (const id of ids) this.#stale.add(id);
    while (this.#asking < AT_ONCE && this.#stale.size > 0) {
      this.#asking += 1;
      this.#askForStale().finally(() => (this.#asking -= 1));
    }
  }

  async #askForStale() {
    for (const id of this.#stale) {
      this.#stale.delete(id);
      if (this.signal.aborted) return;
      try {
        const asked = { signal: this.signal, patienceMs: Infinity };
        this.board.replace(await this.#http.ask(`jobs/${id}`, asked));
      } catch (error) {
        if (error instanceof JobNotFound) this.board.lose(id, error);
        // Else the feed is told the same, and tells all.
        else if (!(error instanceof TaskkitError)) throw error;
      }
    }
  }

  /** Ends: no timer, socket or request is left. */
  close() {
    if (this.signal.aborted) return;
    const closed = new ClientClosed();
    this.#over.abort(closed);
    this.#feed?.close();
    this.cut = closed.message;
    for (const stream of [...this.#streams]) stream.end();
    this.board.fail(closed);
  }
}

/**
 * Reads a log from a cursor on.
 * @param {Http} http
 * @param {{ log: string, cursor: Cursor, signal: AbortSignal, patienceMs?: number, timeoutMs?: number }} what
 */
export function readEvents(http, { log, cursor: { epoch, after, at }, ...asked }) {
  const query = new URLSearchParams({ log, epoch, after: String(after), at: String(at), limit: "1000" });
  return http.ask(`events?${query}`, asked);
}

/** @param {Hello} hello */
function requireUnderstood({ protocol, version, shared }) {
  if (shared) {
    throw new Forbidden("this token is that of a link to shared jobs: ask for one of your own");
  }
  if (protocol === PROTOCOL) return;
  const who = Number(protocol) > PROTOCOL ? "this client is too old" : "the server is too old";
  throw new ProtocolMismatch(
    `the server (taskkit ${version}) speaks protocol ${protocol}, and this client ${PROTOCOL}: ${who}`,
  );
}
