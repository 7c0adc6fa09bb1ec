import assert from "node:assert/strict";
import { test } from "node:test";
import { Heard, ask, isAsLogged, newClient } from "./stage.js";

// The job that is followed says something all the time: two seconds are long.
const client = newClient({ silenceMs: 2_000, timeoutMs: 2_000 });

/** Follows a job that talks while something happens to it; returns the job and what was heard. */
async function through(...faults) {
  const all = new Heard(client.events());
  const job = await client.submit("talk", { lines: 6 * (faults.length + 1), every_s: 0.1 });
  const its = new Heard(job.events());
  const lines = (events) => events.filter(({ type }) => type === "output_written").length;
  for (const fault of faults) {
    const before = lines(its.events);
    await its.until((events) => lines(events) > before || events.at(-1)?.type === "job_succeeded");
    await fault();
  }
  const record = await job.wait();
  await its.over;
  assert.equal(its.failure, null);
  await all.until((events) => events.some(({ seq }) => seq >= record.seq));
  await all.stream.return();
  return { job, record, its: its.events, all: all.events };
}

/** All that the log holds was heard once, in order: of the one job, and of all. */
async function nothingIsMissing({ job, record, its, all }) {
  assert.equal(all.filter(({ type }) => type === "gap").length, 0);
  await isAsLogged(all);
  assert.deepEqual(its, all.filter((event) => event.job === job.id));
  assert.equal(its.filter(({ type }) => type === "job_succeeded").length, 1);
  assert.deepEqual(record, await (await client.job(job.id)).refresh());
}

test("three cuts in one job lose nothing and repeat nothing", async () => {
  await nothingIsMissing(await through(() => ask("cut"), () => ask("cut"), () => ask("cut")));
});

test("a connection that is cut within a packet loses nothing", async () => {
  const heard = await through(() => ask("mode", { name: "cut-after" }), () => ask("mode", { name: "pass" }));
  await nothingIsMissing(heard);
});

test("a server that does not answer for a while, and one that is slow, cost time only", async () => {
  const heard = await through(
    () => ask("mode", { name: "latency" }),
    async () => {
      await ask("mode", { name: "refuse" });
      await ask("cut");
      while (client.cut === "") await new Promise((settle) => setTimeout(settle, 10));
      await ask("mode", { name: "pass" });
    },
  );
  await nothingIsMissing(heard);
});

test("a peer that is gone without a word is noticed", async () => {
  const heard = await through(async () => {
    await ask("mode", { name: "half-open" });
    await ask("mode", { name: "pass" });
  });
  await nothingIsMissing(heard);
});

test("a server that is killed and started again feeds on from the cursor", async () => {
  await nothingIsMissing(await through(() => ask("kill", { part: "server" })));
});

test("a worker's process that is killed costs an attempt, and all is told of it", async () => {
  const heard = await through(() => ask("kill", { part: "pool" }));
  await nothingIsMissing(heard);
  const kinds = heard.its.map(({ type }) => type);
  assert.ok(kinds.includes("attempt_lost"));
  assert.ok(heard.record.attempt > 1);
  assert.equal(heard.record.past_attempts.length, heard.record.attempt - 1);
});

test("a Redis that is killed and started again has lost nothing that was told", async () => {
  await nothingIsMissing(await through(() => ask("kill", { part: "redis" })));
});

test("a submission whose answer is lost makes one job", async () => {
  const talk = { task: "talk", arguments: { lines: 1 }, options: { session: "cut answers" } };
  for (let n = 0; n < 5; n += 1) {
    const submitting = client.submitAll([talk, talk]);
    // Before, while or after the server takes it.
    for (let cut = 0; cut <= n; cut += 1) await ask("cut");
    const batch = await submitting;
    await batch.wait();
  }
  const jobs = [];
  for await (const job of client.jobs({ session: "cut answers" })) jobs.push(job.id);
  assert.equal(jobs.length, 10);
});
