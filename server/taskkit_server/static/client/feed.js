/**
 * The event logs, live: follows them over one WebSocket and keeps a cursor for each.
 *
 * To connect is to read from a cursor, to reconnect is to resume from it: there is no other path, so
 * nothing is missed and nothing comes twice. While there is no socket, the same log is read by HTTP.
 *
 * @typedef {import("./cursor.js").Cursor} Cursor
 * @typedef {import("./wire.js").LogEvent} LogEvent
 * @typedef {import("./wire.js").Stretch} Stretch
 *
 * @typedef {object} Told what is told of what happens, in order; nothing is while one of them runs
 * @property {() => void} opened
 * @property {(reason: string) => void} closed it is tried again
 * @property {(error: unknown) => void} refused the server takes no such reader: it is not tried again
 * @property {(log: string, events: LogEvent[], isLive: boolean) => void} received
 * @property {(log: string, cursor: Cursor) => void} lost events are gone: what comes next has to be
 *   laid on a snapshot
 *
 * @typedef {(log: string, cursor: Cursor, signal: AbortSignal) => Promise<any>} Read
 */

import { delayMs } from "./backoff.js";
import { receive, START } from "./cursor.js";
import { Forbidden, TaskkitError, Unauthorized } from "./errors.js";
import { pause } from "./pause.js";
import { isPlace, isStretch } from "./wire.js";

/** Without a word for this long a socket is given up; the server says something every 5 s. */
export const SILENCE_MS = 15_000;
const CONNECT_MS = 10_000;

export class Feed {
  /** @type {Record<string, Cursor>} */
  #cursors;
  /** @type {Record<string, number>} */
  #heads;
  /** What the last `head` said of each log. @type {Map<string, { epoch: string, seq: number }>} */
  #expected = new Map();
  /** @type {AbortController | null} */
  #turn = null;

  /**
   * @param {object} options
   * @param {any} options.io what `socket.io-client` exports under this name
   * @param {URL | string} options.base where the server is; it ends in `/`
   * @param {string | null | (() => string | null)} options.token
   * @param {Record<string, Cursor>} options.cursors the logs that are followed, each from where
   * @param {Record<string, number>} [options.heads] where each log ended when the server was last
   *   asked; what is up to there is the past, and `isLive` is false
   * @param {Told} options.told
   * @param {Read | null} [options.read] reads `GET /events`; without it there is the socket alone, and
   *   a refusal of the server's ends the feed
   * @param {number} [options.silenceMs]
   */
  constructor({ io, base, token, cursors, heads = {}, told, read = null, silenceMs = SILENCE_MS }) {
    this.io = io;
    this.base = new URL(base);
    this.token = typeof token === "function" ? token : () => token;
    this.told = told;
    this.read = read;
    this.silenceMs = silenceMs;
    this.#cursors = { ...cursors };
    this.#heads = { ...heads };
  }

  /** Begins to follow, for ever, until it is refused or closed. */
  open() {
    if (this.#turn !== null) return;
    const { signal } = (this.#turn = new AbortController());
    this.#follow(signal).catch((error) => {
      // When it is closed, nobody listens any more.
      if (!signal.aborted) throw error;
    });
  }

  /** Ends; nothing is told any more, and no timer or socket is left. */
  close() {
    this.#turn?.abort();
    this.#turn = null;
  }

  /** Returns how far a log was read. @param {string} log @returns {Cursor} */
  cursor(log) {
    return this.#cursors[log] ?? START;
  }

  /** @param {AbortSignal} signal */
  async #follow(signal) {
    for (let failures = 0; !signal.aborted; failures += 1) {
      const { why, isRefused, wasHeard } = await this.#connection(signal);
      if (signal.aborted) return;
      if (wasHeard) failures = 0;
      this.told.closed(why);
      try {
        if (this.read !== null) await this.#catchUp(this.read, signal);
        else if (isRefused) throw new Unauthorized(why);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Unauthorized || error instanceof Forbidden) {
          this.#turn = null;
          this.told.refused(error);
          return;
        }
        if (!(error instanceof TaskkitError)) throw error;
      }
      await pause(delayMs(failures), signal);
    }
  }

  /**
   * Opens a socket; settles when it has ended, whatever ended it.
   * @param {AbortSignal} signal
   * @returns {Promise<{ why: string, isRefused: boolean, wasHeard: boolean }>}
   */
  #connection(signal) {
    return new Promise((settle) => {
      const socket = this.io(this.base.origin, {
        path: new URL("socket.io", this.base).pathname,
        transports: ["websocket"],
        auth: (/** @type {(said: object) => void} */ send) => send(this.#introduction()),
        autoConnect: false,
        forceNew: true,
        reconnection: false,
        timeout: Math.min(CONNECT_MS, this.silenceMs),
      });
      let heardAt = Date.now();
      let wasHeard = false;
      const end = (/** @type {string} */ why, isRefused = false) => {
        clearInterval(check);
        signal.removeEventListener("abort", stop);
        socket.off();
        socket.offAny();
        hangUp(socket);
        settle({ why, isRefused, wasHeard });
      };
      const stop = () => end("closed");
      // A dead peer is otherwise noticed by Engine.IO's ping, after twice as long.
      const check = setInterval(() => {
        if (Date.now() - heardAt > this.silenceMs) end("the server is silent");
      }, Math.min(1_000, this.silenceMs / 4));
      const packet = (/** @type {(said: any) => boolean} */ take) => (/** @type {any} */ said) => {
        heardAt = Date.now();
        if (take(said)) wasHeard = true;
        else end("events are missing");
      };
      signal.addEventListener("abort", stop, { once: true });
      socket.on("connect", () => {
        heardAt = Date.now();
        this.#expected.clear();
        this.told.opened();
        for (const log of Object.keys(this.#cursors)) this.#give(log, []);
      });
      socket.on("disconnect", (/** @type {string} */ reason) => end(reason));
      // What is active still has failed on the way; else the server has said no.
      socket.on("connect_error", (/** @type {Error} */ { message }) => end(message, !socket.active));
      socket.on("batch", packet((said) => isStretch(said) && this.#take(said)));
      socket.on("gap", packet((said) => isPlace(said) && this.#leap(said)));
      socket.on("head", packet((said) => isPlace(said) && this.#compare(said)));
      socket.connect();
    });
  }

  #introduction() {
    const token = this.token();
    return { ...(token === null ? {} : { token }), logs: this.#cursors };
  }

  /**
   * Reads the logs to their ends by HTTP.
   * @param {Read} read @param {AbortSignal} signal
   */
  async #catchUp(read, signal) {
    for (const log of Object.keys(this.#cursors)) {
      for (;;) {
        const before = this.cursor(log);
        const page = await read(log, before, signal);
        if (signal.aborted || !isStretch(page)) return;
        const isStart = before.epoch === "" && before.after === 0;
        if (page.is_gap && !isStart) this.#leap({ log, epoch: page.epoch, seq: page.head });
        else if (!this.#take({ ...page, log })) break;
        const { after } = this.cursor(log);
        if (after >= page.head || after === before.after) break;
      }
    }
  }

  /** @param {Stretch} stretch */
  #take({ log, epoch, events, head }) {
    if (!Object.hasOwn(this.#cursors, log)) return true;
    const { cursor, fresh, isGap, isTrimmed } = receive(this.cursor(log), { epoch, events });
    if (isGap) return false;
    const [first] = fresh;
    if (isTrimmed && first !== undefined) {
      this.#cursors[log] = { epoch, after: first.seq - 1, at: 0 };
      this.told.lost(log, this.cursor(log));
    }
    this.#cursors[log] = cursor;
    this.#heads[log] = Math.max(this.#heads[log] ?? 0, head);
    this.#give(log, fresh);
    return true;
  }

  /** @param {string} log @param {LogEvent[]} events */
  #give(log, events) {
    this.told.received(log, events, this.cursor(log).after >= (this.#heads[log] ?? 0));
  }

  /** @param {import("./wire.js").Place} place */
  #leap({ log, epoch, seq }) {
    if (!Object.hasOwn(this.#cursors, log)) return true;
    // In another epoch, the old one's head says nothing.
    this.#heads[log] = seq;
    this.#cursors[log] = { epoch, after: seq, at: 0 };
    this.#expected.delete(log);
    this.told.lost(log, this.cursor(log));
    return true;
  }

  /** @param {import("./wire.js").Place} place */
  #compare({ log, epoch, seq }) {
    if (!Object.hasOwn(this.#cursors, log)) return true;
    const mine = this.cursor(log);
    // What an earlier head promised must have come by now; the newest events may be on their way.
    const before = this.#expected.get(log);
    this.#expected.set(log, { epoch, seq });
    const isMissing = before !== undefined && before.epoch === epoch && mine.after < before.seq;
    if (isMissing || (mine.epoch !== "" && mine.epoch !== epoch)) return false;
    this.#give(log, []);
    return true;
  }
}

/** Ends a connection, also with a peer that does not answer. @param {any} socket */
function hangUp(socket) {
  const engine = socket.io?.engine;
  socket.disconnect();
  // `ws`, which is what there is under Node, waits half a minute for the other side's word.
  engine?.transport?.ws?.terminate?.();
}
