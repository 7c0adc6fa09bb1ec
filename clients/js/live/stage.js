/** What the tests against a real stack have in common. See tests/js/grounds.py. */

import assert from "node:assert/strict";
import { after } from "node:test";
import { Client } from "../src/index.js";

const { TASKKIT_URL, GROUNDS_STRAIGHT, TASKKIT_TOKEN, GROUNDS_CONTROL } = process.env;
export const [url, straight, token] = [TASKKIT_URL, GROUNDS_STRAIGHT, TASKKIT_TOKEN];

const clients = [];
// Also of a test that failed: an open one would keep the process running.
after(() => clients.forEach((client) => client.close()));

/** Returns a client that goes through the proxy, and is quick to notice that something is wrong. */
export function newClient(options = {}) {
  const client = new Client(url, { token, silenceMs: 7_000, timeoutMs: 7_000, ...options });
  clients.push(client);
  return client;
}

/** Breaks something, or mends it. */
export async function ask(verb, given = {}) {
  const answer = await fetch(`${GROUNDS_CONTROL}/${verb}`, { method: "POST", body: JSON.stringify(given) });
  const said = await answer.json();
  assert.equal(answer.status, 200, said);
  return said;
}

/** Returns the whole log as `GET /events` has it, by a way that nothing breaks. */
export async function logged() {
  const events = [];
  for (;;) {
    const query = `log=jobs&after=${events.at(-1)?.seq ?? 0}&limit=1000`;
    const headers = { Authorization: `Bearer ${token}` };
    const page = await (await fetch(`${straight}/v1/events?${query}`, { headers })).json();
    events.push(...page.events);
    if ((events.at(-1)?.seq ?? 0) >= page.head) return events;
  }
}

/** Collects what a stream gives, and can wait for some of it. */
export class Heard {
  events = [];
  failure = null;
  #wake = () => {};

  constructor(stream, { each = () => {} } = {}) {
    this.stream = stream;
    this.over = this.#listen(each);
  }

  async #listen(each) {
    try {
      for await (const event of this.stream) {
        this.events.push(event);
        this.#wake();
        await each(event);
      }
    } catch (error) {
      this.failure = error;
    }
    this.#wake();
  }

  /** Waits until so much was heard, or the stream has ended. */
  async until(isSo) {
    while (!isSo(this.events) && this.failure === null) {
      await new Promise((settle) => (this.#wake = settle));
    }
    if (this.failure !== null) throw this.failure;
  }
}

/**
 * Tells that events are those of the log, of one job or of all, from the first that was heard on: no
 * gap, no repeat.
 */
export async function isAsLogged(events, id = null) {
  const heard = [...events]; // more may come meanwhile
  const [first, last] = [heard[0].seq, heard.at(-1).seq];
  const isMeant = ({ seq, job }) => seq >= first && seq <= last && (id === null || job === id);
  const whole = (await logged()).filter(isMeant);
  assert.deepEqual(heard.map(({ seq }) => seq), whole.map(({ seq }) => seq));
  assert.deepEqual(heard, whole);
}
