/** The workers and the queues as the page shows them, from what the server tells. Pure. */

import { duration } from "./words.js";

const KEPT = 200;

/**
 * Returns the workers of `GET /workers`, the longest here first, with `own`: the rows of one's own
 * jobs that each runs, and `others`: how many it runs of somebody else.
 */
export function fleet(workers, jobs) {
  return workers
    .map((worker) => {
      const own = worker.jobs.map((id) => jobs.get(id) ?? { id, name: "", progress: null });
      const busy = Math.max(worker.busy ?? 0, own.length);
      const joinedAt = Date.parse(worker.joined_at);
      return { ...worker, busy, own, others: busy - own.length, joinedAt };
    })
    .sort((a, b) => a.joinedAt - b.joinedAt || (a.name < b.name ? -1 : 1));
}

/** Returns what a worker says of its machine, and its tags, in words; of an older one nothing. */
export function possessions({ cores = null, memory_mib = null, tags = [], most_processes = null }) {
  return [
    most_processes === null ? "" : `up to ${most_processes} processes`,
    cores === null ? "" : `${number(cores)} ${cores === 1 ? "core" : "cores"}`,
    memory_mib === null ? "" : `${number(Math.round(memory_mib / 102.4) / 10)} GiB`,
    tags.join(", "),
  ].filter(Boolean);
}

/** Returns how busy all workers are together: `{busy, processes}`. */
export function load(workers) {
  const sum = (name) => workers.reduce((all, worker) => all + worker[name], 0);
  return { busy: sum("busy"), processes: sum("processes") };
}

/** Returns the rows of `GET /queues`: each number as text, one's own beside that of all. */
export function queueRows(queues) {
  return queues.map((queue) => ({
    name: queue.name,
    queued: ofAll(queue.queued, queue.queued_all),
    running: ofAll(queue.running, queue.running_all),
    workers: number(queue.workers),
    isStuck: queue.workers === 0 && (queue.queued_all ?? queue.queued) > 0,
  }));
}

function ofAll(own, all) {
  return all === undefined || all === null ? number(own) : `${number(own)} of ${number(all)}`;
}

function number(value) {
  return value.toLocaleString("en");
}

/** Who came and who left: the workers' log, the newest first, bounded. */
export class Comings {
  #joinedAt = new Map();
  list = [];

  /** Takes an event of the workers' log. */
  add({ seq, at, type, data }) {
    const key = `${seq} ${at}`;
    if (type === "worker_joined") {
      this.#joinedAt.set(data.worker, at);
      const many = `${data.processes} ${data.processes === 1 ? "process" : "processes"}`;
      this.#put({ key, at, worker: data.worker, isHere: true, text: `${many}, Python ${data.python}` });
    } else if (type === "worker_left") {
      const since = this.#joinedAt.get(data.worker);
      this.#joinedAt.delete(data.worker);
      const stay = since === undefined ? "" : ` after ${duration(at - since)}`;
      this.#put({ key, at, worker: data.worker, isHere: false, text: `${data.reason}${stay}` });
    }
  }

  #put(one) {
    this.list.unshift(one);
    if (this.list.length > KEPT) this.list.pop();
  }
}
