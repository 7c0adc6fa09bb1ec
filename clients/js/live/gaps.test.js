import assert from "node:assert/strict";
import { test } from "node:test";
import { Heard, ask, logged, newClient } from "./stage.js";

const client = newClient();

/** Cuts the client off for as long as `meanwhile` takes. */
async function cutOff(meanwhile) {
  await ask("mode", { name: "refuse" });
  await ask("cut");
  while (client.cut === "") await new Promise((settle) => setTimeout(settle, 10));
  try {
    await meanwhile();
  } finally {
    await ask("mode", { name: "pass" });
  }
}

/** Has a job end while the client is cut off and the log changes; returns what was heard of it. */
async function missed(change) {
  const path = await ask("gate", { name: `gap-${Date.now()}` });
  const job = await client.submit("held", { gate: path });
  const all = new Heard(client.events());
  const its = new Heard(job.events());
  await its.until((events) => events.some(({ type }) => type === "attempt_started"));
  const waited = job.wait();
  await cutOff(async () => {
    await ask("gate", { name: path.split("/").at(-1), is_open: true });
    const isOver = (events) => events.some((event) => event.job === job.id && event.type === "job_succeeded");
    while (!isOver(await logged())) await new Promise((settle) => setTimeout(settle, 50));
    await change();
  });
  const record = await waited;
  await its.over;
  return { job, record, its, all };
}

test("who missed events that are not kept is told so, and knows all the same how the job ended", async () => {
  const { job, record, its, all } = await missed(async () => {
    const more = await fetch(`${process.env.GROUNDS_STRAIGHT}/v1/jobs`, {
      method: "POST",
      headers: { Authorization: `Bearer ${process.env.TASKKIT_TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify({ task: "talk", options: { queue: "nobody" } }),
    });
    assert.equal(more.status, 201);
    await ask("trim", { kept: 1 });
  });
  assert.equal(record.state, "succeeded");
  assert.equal(await job.result(), "free");
  assert.equal(its.failure, null);
  assert.equal(its.events.at(-1).type, "gap");
  await all.until((events) => events.some(({ type }) => type === "gap"));
  const later = await client.submit("talk", [1]);
  await later.wait();
  await all.until((events) => events.some((event) => event.job === later.id && event.type === "job_succeeded"));
  const { seq } = all.events.find(({ type }) => type === "gap");
  const behind = all.events.slice(all.events.findIndex(({ type }) => type === "gap") + 1);
  assert.deepEqual(behind, (await logged()).filter((event) => event.seq > seq && event.seq <= behind.at(-1).seq));
  await all.stream.return();
});

test("a stream from the beginning of a log that was cut short says what is gone", async () => {
  const heard = new Heard(client.events({ from: "start" }));
  await heard.until((events) => events.length > 3);
  await heard.stream.return();
  const [gap, first] = heard.events;
  assert.deepEqual([gap.type, gap.seq], ["gap", first.seq - 1]);
});

test("a log of another epoch is another log", async () => {
  const { record, its, all } = await missed(() => ask("renew"));
  assert.equal(record.state, "succeeded");
  assert.equal(its.events.at(-1).type, "gap");
  await all.until((events) => events.some(({ type }) => type === "gap"));
  const epoch = all.stream.cursor.epoch;
  await all.stream.return();
  const later = await client.submit("talk", [2]);
  const heard = new Heard(later.events());
  await heard.over;
  assert.deepEqual([heard.failure, heard.events.at(-1).type], [null, "job_succeeded"]);
  assert.equal(heard.stream.cursor.epoch, epoch);
  const stale = new Heard(client.events({ from: { epoch: "gone", after: 3 } }));
  await stale.until((events) => events.length > 0);
  assert.equal(stale.events[0].type, "gap");
  await stale.stream.return();
});
