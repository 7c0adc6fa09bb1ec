import assert from "node:assert/strict";
import { test } from "node:test";
import { Heard, ask, isAsLogged, newClient } from "./stage.js";

const EVENTS = 10_000;
const client = newClient();

test("ten thousand events come once each, to who is quick and to who is slow", async () => {
  const job = await client.submit("talk", {}, { queue: "nobody" });
  const quick = new Heard(client.events());
  const pauses = { each: ({ seq }) => (seq % 50 === 0 ? new Promise(setImmediate) : undefined) };
  const slow = new Heard(job.events(), pauses);
  // Held back until all has happened: what does not fit is left in the log.
  let release;
  const opened = new Promise((settle) => (release = settle));
  const late = new Heard(client.events(), { each: () => opened });
  await ask("flood", { job: job.id, events: EVENTS });
  const { state, seq } = await job.wait();
  assert.equal(state, "cancelled");
  const isThere = (events) => events.at(-1)?.seq >= seq;
  await Promise.all([quick.until(isThere), slow.over]);
  release();
  await late.until(isThere);
  for (const heard of [quick, late]) {
    assert.equal(heard.events.filter(({ type }) => type === "output_written").length, EVENTS);
    await isAsLogged(heard.events);
  }
  const its = quick.events.filter((event) => event.job === job.id);
  assert.deepEqual(slow.events.slice(-its.length), its);
  const { record } = await client.job(job.id);
  assert.deepEqual([job.record.output, job.record.output_dropped_chars], [record.output, record.output_dropped_chars]);
  assert.ok(record.output_dropped_chars > 0);
});

test("a stream from the beginning reads the whole log", async () => {
  const heard = new Heard(client.events({ from: "start" }));
  await heard.until((events) => events.length > EVENTS);
  await heard.stream.return();
  await isAsLogged(heard.events);
});
