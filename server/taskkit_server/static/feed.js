/**
 * The event logs, live: follows them over one WebSocket and keeps a cursor for each.
 *
 * To connect is to read from the start, to reconnect is to resume from the cursors: there is no
 * other path, so nothing is missed and nothing comes twice.
 */

import { START, receive } from "./cursor.js";
import { io } from "./vendor/socket.io.esm.min.js";

const SILENT_MS = 15_000;
const CHECK_MS = 5_000;
const RESUME_MS = 1_000;

export class Feed {
  #cursors;
  #heads;
  #socket;
  #heardAt = 0;
  #expected = new Map();

  /**
   * `heads`: where each log ended when the server was last asked; what is up to there is the past.
   *
   * `told` is called for what happens: `opened()`, `closed(reason)`, `refused(why)` (the server
   * takes no such reader), `received(log, events, isLive)` and `lost(log)`: events of the log are gone,
   * and what comes next has to be laid on a snapshot.
   */
  constructor({ base, token, heads, told }) {
    this.told = told;
    this.#heads = heads;
    this.#cursors = Object.fromEntries(Object.keys(heads).map((log) => [log, START]));
    this.#socket = io(base.origin, {
      path: new URL("socket.io", base).pathname,
      transports: ["websocket"],
      auth: (send) => send({ token, logs: this.#cursors }),
      autoConnect: false,
      forceNew: true,
      timeout: 10_000,
      reconnectionDelay: 500,
      reconnectionDelayMax: 5_000,
    });
    this.#listen();
  }

  /** Opens the WebSocket; it is opened again, for ever, until it is refused. */
  open() {
    this.#socket.connect();
  }

  #listen() {
    const socket = this.#socket;
    socket.onAny(() => (this.#heardAt = Date.now()));
    socket.on("connect", () => {
      this.#heardAt = Date.now();
      this.#expected.clear();
      this.told.opened();
      for (const log of Object.keys(this.#cursors)) this.#give(log, []);
    });
    socket.on("disconnect", (reason) => {
      this.told.closed(reason);
      if (!socket.active) this.#resume();
    });
    socket.on("connect_error", (error) => {
      if (socket.active) this.told.closed(error.message);
      else this.told.refused(error.message);
    });
    socket.on("batch", (batch) => this.#take(batch));
    socket.on("gap", (gap) => this.#leap(gap));
    socket.on("head", (head) => this.#compare(head));
    setInterval(() => {
      // A dead peer is otherwise noticed by Engine.IO's ping, after three times as long.
      if (socket.connected && Date.now() - this.#heardAt > SILENT_MS) this.#restart();
    }, CHECK_MS);
  }

  #take({ log, epoch, events, head }) {
    // A log whose beginning was trimmed before this page came.
    const isTrimmed = events.length > 0 && events[0].seq > 1;
    if (this.#cursors[log].epoch === "" && isTrimmed) {
      this.#leap({ log, epoch, seq: events[0].seq - 1 });
    }
    const { cursor, fresh, isGap } = receive(this.#cursors[log], epoch, events);
    if (isGap) {
      this.#restart();
      return;
    }
    this.#cursors[log] = cursor;
    this.#heads[log] = Math.max(this.#heads[log], head);
    this.#give(log, fresh);
  }

  #give(log, events) {
    this.told.received(log, events, this.#cursors[log].after >= this.#heads[log]);
  }

  #leap({ log, epoch, seq }) {
    // In another epoch, the old one's head says nothing.
    if (this.#cursors[log].epoch !== "") this.#heads[log] = seq;
    this.#cursors[log] = { epoch, after: seq };
    this.#expected.delete(log);
    this.told.lost(log);
  }

  #compare({ log, epoch, seq }) {
    const { epoch: mine, after } = this.#cursors[log];
    // What an earlier head promised must have come by now; the newest events may be on their way.
    const isMissing = after < (this.#expected.get(log) ?? 0);
    this.#expected.set(log, seq);
    if (isMissing || (mine !== "" && mine !== epoch)) this.#restart();
    else this.#give(log, []);
  }

  #restart() {
    this.#socket.disconnect();
  }

  #resume() {
    setTimeout(() => this.#socket.connect(), RESUME_MS);
  }
}
