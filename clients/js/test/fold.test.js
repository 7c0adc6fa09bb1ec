import assert from "node:assert/strict";
import { test } from "node:test";
import { fold, submitted } from "../src/fold.js";

const AT = Date.UTC(2026, 0, 1);
const ISO = "2026-01-01T00:00:00.000Z";
let seq = 0;
const event = (type, data = {}) => ({ seq: ++seq, at: AT, type, job: "j", data });
const born = () => submitted(event("job_submitted", { task: "fit", options: { name: "a" } }));
const after = (record, ...told) => told.reduce((one, [type, data]) => fold(one, event(type, data)), record);
const started = ["attempt_started", { attempt: 1, worker: "w" }];

test("a job's life ends in the record that the server would answer", () => {
  const result = { media_type: "application/json", size_bytes: 1, preview: "1", inline: "MQ==" };
  const done = after(
    born(),
    started,
    ["progress_reported", { done: 3, total: 10, message: "m" }],
    ["output_written", { text: "a" }],
    ["output_written", { text: "b\n" }],
    ["job_succeeded", { result }],
  );
  const { state, attempt, worker, output, finished_at: at, progress } = done;
  assert.deepEqual([state, attempt, worker, output, at], ["succeeded", 1, "w", "ab\n", ISO]);
  assert.deepEqual(progress, { done: 3, total: 10, message: "m", bars: [], fraction: 0.3 });
  assert.deepEqual([done.result, done.seq, done.options.name], [{ ...result, table: null }, seq, "a"]);
});

test("a new attempt begins with nothing of the one before, which is remembered", () => {
  const again = after(
    born(),
    started,
    ["output_written", { text: "old" }],
    ["attempt_lost", { attempt: 1, cause: "signal 9" }],
  );
  assert.deepEqual([again.state, again.started_at, again.output], ["queued", null, "old"]);
  assert.deepEqual(again.past_attempts, [{ attempt: 1, end: "lost", cause: "signal 9", at: ISO }]);
  const second = after(again, ["attempt_started", { attempt: 2, worker: "v" }]);
  assert.deepEqual([second.state, second.attempt, second.output], ["running", 2, ""]);
});

test("why a call was run again is in the record from the beginning, and left out where there is no reason", () => {
  const rerun = { changes: [{ part: "global:alpha", before: "1", now: "2" }], more: 0, unsure: "", is_renewed: false };
  const record = submitted(event("job_submitted", { task: "fit", rerun }));
  assert.deepEqual(after(record, started).rerun, rerun);
  assert.ok(!("rerun" in born()));
});

test("an attempt that is tried again says when", () => {
  const error = { type: "ValueError", message: "no\nmore", traceback: "" };
  const failed = after(born(), started, ["attempt_failed", { attempt: 1, error, retry_at: AT }]);
  assert.deepEqual([failed.state, failed.retry_at], ["queued", ISO]);
  assert.equal(failed.past_attempts[0].cause, "ValueError: no");
});

test("what is folded in already changes nothing, nor does an unknown kind but its place", () => {
  const record = born();
  assert.equal(fold(record, { ...event("job_cancelled"), seq: record.seq }), record);
  const admired = after(record, ["job_admired", { stars: 5 }], ["toString"], ["__proto__"]);
  assert.deepEqual(admired, { ...record, seq });
});

test("what cannot follow is not folded: something is missing in between", () => {
  assert.equal(fold(born(), event("output_written", { text: "x" })), null);
  assert.equal(fold(after(born(), ["job_cancelled"]), event(...started)), null);
});

test("the output's end is kept, and what is not kept is counted in characters", () => {
  const record = after(born(), started, ["output_written", { text: "🙂".repeat(65_536) }]);
  assert.deepEqual([[...record.output].length, record.output_dropped_chars], [65_536, 0]);
  const more = after(record, ["output_written", { text: "abc" }]);
  assert.deepEqual([[...more.output].length, more.output_dropped_chars], [65_536, 3]);
  assert.ok(more.output.startsWith("🙂") && more.output.endsWith("🙂abc"));
});
