/**
 * Several jobs that were submitted together.
 *
 * @typedef {import("./client.js").Client} Client
 * @typedef {import("./cursor.js").Cursor} Cursor
 * @typedef {import("./job.js").Job} Job
 * @typedef {import("./job.js").Until} Until
 */

export class Batch {
  #client;
  #place;

  /**
   * Not for users: see `Client.submitAll`.
   * @param {Client} client
   * @param {(Job | Error)[]} answers @param {Cursor} place before the first event of any
   */
  constructor(client, answers, place) {
    this.#client = client;
    this.#place = place;
    /** What became of each request, in their order: its job, or why it was refused. */
    this.answers = answers;
  }

  /** The jobs that were accepted, in the order of their requests. */
  get jobs() {
    return /** @type {Job[]} */ (this.answers.filter((one) => !(one instanceof Error)));
  }

  /** Why the others were refused. */
  get errors() {
    return /** @type {Error[]} */ (this.answers.filter((one) => one instanceof Error));
  }

  /** How many of the jobs are final. */
  get done() {
    return this.jobs.filter((job) => job.isFinal).length;
  }

  /**
   * Waits for all and returns what they returned, in the order of the requests.
   *
   * Rejects, as `Promise.all` does, with the first error: of a request that was refused, of a job that
   * failed or was cancelled. The others go on.
   *
   * @param {Until} [until]
   * @returns {Promise<any[]>}
   */
  async results(until) {
    const [refused] = this.errors;
    if (refused !== undefined) throw refused;
    return Promise.all(this.jobs.map((job) => job.result(until)));
  }

  /**
   * Waits until all are final, and returns their records.
   * @param {Until} [until]
   */
  async wait(until) {
    return Promise.all(this.jobs.map((job) => job.wait(until)));
  }

  /**
   * Yields the jobs as they become final.
   * @param {Until} [until]
   */
  async *finished(until) {
    /** @type {Job[]} */
    const ready = [];
    let left = this.jobs.length;
    let wake = () => {};
    /** @type {unknown} */
    let failure = null;
    for (const job of this.jobs) {
      job.wait(until).then(
        () => {
          ready.push(job);
          wake();
        },
        (error) => {
          failure ??= error;
          wake();
        },
      );
    }
    for (; left > 0; left -= 1) {
      while (ready.length === 0 && failure === null) {
        await new Promise((/** @type {(value?: undefined) => void} */ settle) => (wake = settle));
      }
      const job = ready.shift();
      if (job === undefined) throw failure;
      yield job;
    }
  }

  /**
   * Yields all events of the jobs, and ends behind the last of them.
   * @param {{ from?: import("./stream.js").From, signal?: AbortSignal }} [options]
   */
  events({ from = this.#place, signal } = {}) {
    return this.#client.stream({ jobs: this.jobs, from, signal });
  }

  /**
   * Cancels all that are not final, a few at a time.
   * @param {Until & { dependents?: boolean }} [options]
   */
  async cancel(options) {
    const waiting = this.jobs.filter((job) => !job.isFinal);
    const work = async () => {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        await job.cancel(options);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
}

const AT_ONCE = 8;
