import assert from "node:assert/strict";
import { test } from "node:test";
import { NotReachable, PayloadTooLarge, QuotaReached, TaskNotFound } from "../src/errors.js";
import { randomKey, submitAll } from "../src/submit.js";

const bodies = (many) => Array.from({ length: many }, (_, n) => ({ task: "fit", key: `k${n}` }));
const job = ({ key }) => ({ job: { id: key } });
const full = { problem: { code: "quota_reached", status: 429, detail: "full" } };
const signal = new AbortController().signal;

/** A server of which the test answers each request. */
function serving(answer, patienceMs = 60_000) {
  const sent = [];
  const ask = async (_, { json }) => {
    sent.push(json.jobs.map(({ key }) => key));
    return { jobs: await answer(json.jobs, sent.length) };
  };
  return { ask, sent, patienceMs };
}

test("many travel in few requests, and are answered in their order", async () => {
  const http = serving((jobs) => jobs.map(job));
  const outcomes = await submitAll(http, bodies(1_201), signal);
  assert.deepEqual(http.sent.map(({ length }) => length), [500, 500, 201]);
  assert.deepEqual(outcomes.map(({ job: { id } }) => id), bodies(1_201).map(({ key }) => key));
});

test("what a quota has no room for is sent again under its key, and nothing else is", async () => {
  const http = serving((jobs, turn) => jobs.map((one, n) => (n === 0 || turn > 3 ? job(one) : full)));
  const outcomes = await submitAll(http, bodies(5), signal);
  assert.deepEqual(http.sent, [
    ["k0", "k1", "k2", "k3", "k4"],
    ["k1", "k2", "k3", "k4"],
    ["k2", "k3", "k4"],
    ["k3", "k4"],
  ]);
  assert.ok(outcomes.every((one) => "job" in one));
});

test("a quota that stays full is told when patience ends, of those that it is about", async () => {
  const http = serving((jobs, turn) => jobs.map((one, n) => (n === 0 && turn === 1 ? job(one) : full)), 300);
  const [first, second] = await submitAll(http, bodies(2), signal);
  assert.equal(first.job.id, "k0");
  assert.ok(second.error instanceof QuotaReached);
  assert.ok(http.sent.length > 1);
});

test("what is too much for one request is sent in smaller ones", async () => {
  const http = serving((jobs) => {
    if (jobs.length > 2 || jobs.some(({ key }) => key === "k3")) throw new PayloadTooLarge("too large");
    return jobs.map(job);
  });
  const outcomes = await submitAll(http, bodies(5), signal);
  assert.deepEqual(outcomes.map((one) => one.job?.id ?? one.error.code), ["k0", "k1", "k2", "payload_too_large", "k4"]);
});

test("one that is refused takes no other with it", async () => {
  const missing = { problem: { code: "task_not_found", status: 404, detail: "no" } };
  const http = serving((jobs) => jobs.map((one) => (one.key === "k1" ? missing : job(one))));
  const outcomes = await submitAll(http, bodies(3), signal);
  assert.deepEqual(outcomes.map((one) => one.job?.id), ["k0", undefined, "k2"]);
  assert.ok(outcomes[1].error instanceof TaskNotFound);
});

test("when the server is gone, it is known which were taken", async () => {
  const http = serving((jobs, turn) => {
    if (turn === 2) throw new NotReachable("away");
    return jobs.map(job);
  });
  const outcomes = await submitAll(http, bodies(1_100), signal);
  assert.equal(http.sent.length, 2);
  assert.equal(outcomes.filter((one) => "job" in one).length, 500);
  assert.ok(outcomes.slice(500).every(({ error }) => error instanceof NotReachable));
});

test("a signal ends it while it waits for room", async () => {
  const stop = new AbortController();
  const http = serving((jobs) => {
    setTimeout(() => stop.abort(new Error("enough")), 10);
    return jobs.map(() => full);
  });
  await assert.rejects(submitAll(http, bodies(1), stop.signal), /enough/);
});

test("keys differ", () => {
  const keys = Array.from({ length: 1_000 }, randomKey);
  assert.equal(new Set(keys).size, 1_000);
  assert.ok(keys.every((key) => /^[0-9a-f]{32}$/.test(key)));
});
