import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../src/errors.js";
import { Heard, ask, isAsLogged, newClient } from "./stage.js";

const client = newClient();
const MANY = 510;
const gates = [];
const gate = async () => ask("gate", { name: `gate-${gates.push(0)}` });
const opened = (path) => ask("gate", { name: path.split("/").at(-1), is_open: true });

test("a named task is run, and its value comes back", async () => {
  const job = await client.submit("talk", { lines: 3 }, { name: "three lines" });
  assert.deepEqual(await job.result(), [0, 1, 2]);
  assert.equal(job.record.output, "line 0\nline 1\nline 2\n");
  assert.equal(await job.output(), job.record.output);
  const { state, worker, attempt, options } = job.record;
  assert.deepEqual([state, attempt, options.name], ["succeeded", 1, "three lines"]);
  assert.ok(worker);
});

test("the record that events were folded into is the one that the server has", async () => {
  const job = await client.submit("talk", { lines: 4, every_s: 0.3 });
  await job.wait();
  const folded = job.record;
  const record = await (await client.job(job.id)).refresh();
  assert.deepEqual(folded, record);
});

test("a job's events come all, in order, and end with the job", async () => {
  const job = await client.submit("talk", { lines: 4 });
  const { events, over } = new Heard(job.events());
  await over;
  const kinds = events.map(({ type }) => type);
  assert.deepEqual(
    [kinds[0], kinds[1], kinds.at(-1)],
    ["job_submitted", "attempt_started", "job_succeeded"],
  );
  assert.ok(kinds.includes("progress_reported") && kinds.includes("output_written"));
  assert.ok(events.every((event) => event.job === job.id));
  await isAsLogged(events, job.id);
});

test("arguments may stand in their places", async () => {
  assert.deepEqual(await (await client.submit("talk", [2, 0])).result(), [0, 1]);
});

test("the same key is the same job; with other work it is refused", async () => {
  const key = `key-${Date.now()}`;
  const [one, other] = [await client.submit("talk", [1], { key }), await client.submit("talk", [1], { key })];
  assert.equal(one.id, other.id);
  await assert.rejects(client.submit("talk", [2], { key }), errors.KeyReused);
  assert.deepEqual(await other.result(), await one.result());
});

test("a job that failed says what was raised, and can be tried again", async () => {
  const job = await client.submit("fail", { message: "too cold" });
  await assert.rejects(job.result(), (error) => {
    assert.ok(error instanceof errors.JobFailed);
    assert.deepEqual([error.error.type, error.error.message], ["ValueError", "too cold"]);
    return error.error.traceback.includes("raise ValueError") && error.job.id === job.id;
  });
  const again = await job.retry();
  assert.notEqual(again.id, job.id);
  assert.equal((await again.wait()).state, "failed");
});

test("a job that was cancelled says so", async () => {
  const job = await client.submit("held", { gate: await gate() });
  assert.equal((await job.cancel()).state, "cancelled");
  await assert.rejects(job.result(), errors.JobCancelled);
  await assert.rejects((await client.job(job.id)).result(), errors.JobCancelled);
});

test("what JSON cannot say is told in words, and given as bytes", async () => {
  const job = await client.submit("point");
  await assert.rejects(job.result(), (error) => error.preview === "(3+4j)" && error.code === "result_not_json");
  const { mediaType, bytes } = await job.resultBytes();
  assert.equal(mediaType, "application/vnd.taskkit.pickle");
  assert.equal(bytes[0], 0x80);
});

test("a large value is fetched", async () => {
  const job = await client.submit("large", { chars: 300_000 });
  assert.equal((await job.result()).length, 300_000);
  assert.equal(job.record.result.inline, null);
});

test("a batch is answered one by one, and its values are in order", async () => {
  const limits = [10, 100, -1, 1_000];
  const batch = await client.submitAll(limits.map((limit) => ({ task: "primes", arguments: { limit } })));
  assert.equal(batch.jobs.length, 3);
  assert.ok(batch.answers[2] instanceof errors.InvalidArguments);
  await assert.rejects(batch.results(), errors.InvalidArguments);
  await batch.wait();
  assert.deepEqual(await Promise.all(batch.jobs.map((job) => job.result())), [4, 25, 168]);
  const ended = [];
  for await (const job of batch.finished()) ended.push(job.id);
  assert.equal(new Set(ended).size, 3);
  const { events, over } = new Heard(batch.events());
  await over;
  assert.equal(events.filter(({ type }) => type === "job_succeeded").length, 3);
});

test("more jobs than fit one request are all made", async () => {
  const requests = Array.from({ length: MANY }, (_, n) => ({
    task: "primes",
    arguments: { limit: n },
    options: { queue: "nobody", session: "many" },
  }));
  const batch = await client.submitAll(requests);
  const ids = batch.jobs.map(({ id }) => id);
  assert.equal(new Set(ids).size, MANY);
  const listed = [];
  for await (const job of client.jobs({ session: "many", state: ["queued", "running"] })) listed.push(job.id);
  assert.deepEqual(listed.sort(), ids.sort());
});

test("a batch is cancelled together, and all that wait are told", async () => {
  const path = await gate();
  const batch = await client.submitAll(Array(8).fill({ task: "held", arguments: { gate: path } }));
  const waiting = batch.wait();
  await batch.cancel();
  assert.ok((await waiting).every(({ state }) => state === "cancelled"));
  assert.equal(batch.done, 8);
  await assert.rejects(batch.results(), errors.JobCancelled);
});

test("what is unknown is refused in words that help", async () => {
  await assert.rejects(client.submit("isng"), (error) => error instanceof errors.TaskNotFound && error.details.nearest.includes("ising"));
  await assert.rejects(client.job("0".repeat(32)), errors.JobNotFound);
  await assert.rejects(client.submitAll([{ task: "isng" }]), errors.TaskNotFound);
});

test("a job that somebody else submitted is followed from where it is", async () => {
  const path = await gate();
  const theirs = newClient();
  const job = await theirs.submit("held", { gate: path });
  const mine = await client.job(job.id);
  const heard = new Heard(mine.events());
  const waited = mine.wait();
  await opened(path);
  assert.equal((await waited).state, "succeeded");
  await heard.over;
  assert.equal(heard.events.at(-1)?.type, "job_succeeded");
  // One that has ended has nothing more to tell, unless one asks for the past.
  const late = await client.job(job.id);
  const [none, all] = [new Heard(late.events()), new Heard(late.events({ from: "start" }))];
  await Promise.all([none.over, all.over]);
  assert.equal(none.events.length, 0);
  assert.equal(all.events.find(({ type }) => type !== "gap").type, "job_submitted");
  theirs.close();
});

test("a stream goes on where another was left", async () => {
  const job = await client.submit("talk", { lines: 3 });
  const first = [];
  const stream = job.events();
  for await (const event of stream) {
    first.push(event);
    if (first.length === 3) break;
  }
  const rest = new Heard(job.events({ from: stream.cursor }));
  await rest.over;
  await isAsLogged([...first, ...rest.events], job.id);
});

test("what a list leaves out is there when it is asked for", async () => {
  const job = await client.submit("talk", { lines: 400, every_s: 0 }, { session: "long" });
  await job.wait();
  const { value: listed } = await client.jobs({ session: "long" }).next();
  assert.equal(listed.record.output.length, 2_000);
  await listed.refresh();
  assert.deepEqual(listed.record, job.record);
});

test("workers come in a log of their own, which everybody reads", async () => {
  const heard = new Heard(client.events({ log: "workers", from: "start" }));
  await heard.until((events) => events.some(({ type }) => type === "worker_joined"));
  await heard.stream.return();
  await heard.over;
  assert.equal(heard.failure, null);
});

test("what a server tells of itself can be asked", async () => {
  const [hello, tasks, workers, queues, counts] = await Promise.all([
    client.hello(), client.tasks(), client.workers(), client.queues(), client.counts(),
  ]);
  assert.equal(hello.owner, "local");
  assert.ok(tasks.some(({ name }) => name === "talk"));
  assert.ok(workers.length > 0 && queues.length > 0 && counts.succeeded > 0);
});

test("a signal ends a wait, a stream and a submission, and the job goes on", async () => {
  const path = await gate();
  const job = await client.submit("held", { gate: path });
  const stop = new AbortController();
  const { signal } = stop;
  const waits = [job.wait({ signal }), job.result({ signal }), new Heard(job.events({ signal })).over];
  const heard = new Heard(client.events({ signal }));
  stop.abort(new Error("enough"));
  await assert.rejects(waits[0], /enough/);
  await assert.rejects(waits[1], /enough/);
  await Promise.all([waits[2], heard.over]);
  assert.match(heard.failure.message, /enough/);
  await assert.rejects(client.submit("talk", {}, { signal }), /enough/);
  await opened(path);
  assert.equal(await job.result(), "free");
});
