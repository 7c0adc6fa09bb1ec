// The page's pure modules. Run by test_page_modules.py, which says where they are.
import assert from "node:assert/strict";
import { test } from "node:test";

const modules = process.env.PAGE_MODULES;
const { fold } = await import(`${modules}/events.js`);
const { Journal } = await import(`${modules}/journal.js`);
const { activeJobs, emptyRows, setJobs, setWorkers } = await import(`${modules}/rows.js`);
const { duration, workerParts } = await import(`${modules}/words.js`);

const JOB = "0123456789abcdef0123456789abcdef";
const WORKER = "lab-node-4711-a1b2";
const RESULT = { media_type: "application/json", size_bytes: 2, preview: "42" };

/** Returns events of one job, numbered from 1, a second apart. */
function story(...facts) {
  return facts.map(([type, data], index) => ({
    seq: index + 1,
    at: 1_000 * (index + 1),
    type,
    job: type.startsWith("worker") ? "" : JOB,
    data,
  }));
}

const submitted = ["job_submitted", { task: "demo" }];
const started = ["attempt_started", { attempt: 1, worker: WORKER }];
const printed = (text, stream = "stdout") => ["output_written", { text, stream }];

/** Folds a story and returns the rows and what the journal shows. */
function told(events, limit = 100) {
  const rows = emptyRows();
  const journal = new Journal(limit);
  for (const event of events) fold(rows, event).forEach((line) => journal.put(line));
  return { rows, journal, texts: journal.lines.map((line) => line.text) };
}

test("a job's life is told in order", () => {
  const events = story(submitted, started, printed("one\ntwo\n"), ["job_succeeded", { result: RESULT }]);
  const { texts, journal } = told(events);
  assert.deepEqual(texts, ["received", "started", "one", "two", "finished in 2 s: 42"]);
  assert.deepEqual(journal.lines.map((line) => line.host), ["", ...Array(4).fill("lab-node")]);
  assert.ok(journal.lines.every((line) => line.task === "demo" && line.id === "01234567"));
});

test("a failure, a lost attempt and a cancellation say why", () => {
  const error = { type: "ValueError", message: "no", traceback: "" };
  const lost = ["attempt_lost", { attempt: 1, cause: "signal 9" }];
  const again = ["attempt_started", { attempt: 2, worker: WORKER }];
  assert.deepEqual(told(story(submitted, started, lost, again, ["job_failed", { error }])).texts, [
    "received",
    "started",
    "attempt 1 lost: signal 9; queued again",
    "started again, attempt 2",
    "failed: ValueError: no",
  ]);
  assert.equal(told(story(submitted, ["job_cancelled", {}])).texts[1], "cancelled");
});

test("an attempt that is tried again says why and when", () => {
  const error = { type: "ValueError", message: "no", traceback: "" };
  const failed = ["attempt_failed", { attempt: 1, error, retry_at: 0 }];
  const returned = ["attempt_returned", { attempt: 2, cause: "worker w left: stopped" }];
  const texts = told(story(submitted, started, failed, started, returned)).texts;
  assert.match(texts[2], /^attempt 1 failed: ValueError: no; tried again in /);
  assert.equal(texts[4], "attempt 2 given back: worker w left: stopped; queued again");
});

test("workers come and go", () => {
  const joined = ["worker_joined", { worker: WORKER, processes: 1, python: "3.11.7" }];
  const { rows, texts } = told(story(joined));
  assert.deepEqual([...rows.workers.keys()], [WORKER]);
  assert.deepEqual(texts, ["joined: 1 process, Python 3.11.7"]);
  const gone = told(story(joined, ["worker_left", { worker: WORKER, reason: "stopped" }]));
  assert.equal(gone.rows.workers.size, 0);
  assert.equal(gone.texts[1], "left: stopped");
});

test("progress moves the row and writes no line", () => {
  const progress = { done: 3, total: 10, message: "fold 3" };
  const { rows, texts } = told(story(submitted, started, ["progress_reported", progress]));
  assert.equal(texts.length, 2);
  assert.deepEqual(activeJobs(rows)[0].progress, progress);
});

test("an event of an unknown kind changes nothing", () => {
  const { rows, texts } = told(story(submitted, ["job_admired", { stars: 5 }]));
  assert.deepEqual(texts, ["received"]);
  assert.equal(activeJobs(rows)[0].seq, 1);
});

test("a final job is active no more, running ones stand above queued ones", () => {
  const { rows } = told(story(submitted, started, ["job_succeeded", { result: RESULT }]));
  assert.deepEqual(activeJobs(rows), []);
  fold(rows, { seq: 4, at: 4, type: "job_submitted", job: "waits", data: { task: "a" } });
  fold(rows, { seq: 5, at: 5, type: "job_submitted", job: "runs", data: { task: "b" } });
  fold(rows, { seq: 6, at: 6, type: "attempt_started", job: "runs", data: started[1] });
  assert.deepEqual(activeJobs(rows).map((job) => job.id), ["runs", "waits"]);
});

test("output in pieces grows one line until its newline", () => {
  const { texts } = told(story(submitted, started, printed("a"), printed("b"), printed("c\nd")));
  assert.deepEqual(texts.slice(2), ["abc", "d"]);
});

test("the two streams of a job do not mix in one line", () => {
  const events = story(submitted, started, printed("out"), printed("err", "stderr"), printed("!\n"));
  const { texts, journal } = told(events);
  assert.deepEqual(texts.slice(2), ["out!", "err"]);
  assert.equal(journal.lines[3].stream, "stderr");
});

test("a bar that redraws itself stays one line and ends as last drawn", () => {
  const draws = [0, 50, 100].map((percent) => printed(`\r${percent}%`, "stderr"));
  assert.deepEqual(told(story(submitted, started, ...draws)).texts.slice(2), ["100%"]);
  const pieces = [printed("10%\r"), printed("20%\r"), printed("\nnext")];
  assert.deepEqual(told(story(submitted, started, ...pieces)).texts.slice(2), ["20%", "next"]);
});

test("colours and control characters are not shown", () => {
  const { texts } = told(story(submitted, started, printed("\u001b[31mred\u001b[0m\u0007 \u0000ok\n")));
  assert.equal(texts[2], "red ok");
});

test("a very long line is cut and says so", () => {
  const { texts } = told(story(submitted, started, printed("x".repeat(2_500) + "\n")));
  assert.match(texts[2], /^x{2000} … \(500 more characters\)$/);
});

test("a line without end is closed after a while", () => {
  const dots = Array.from({ length: 30 }, () => printed(".".repeat(1_000)));
  assert.ok(told(story(submitted, started, ...dots)).texts.length > 3);
});

test("a new attempt does not continue the line of the lost one", () => {
  const lost = ["attempt_lost", { attempt: 1, cause: "signal 9" }];
  const again = ["attempt_started", { attempt: 2, worker: WORKER }];
  const { texts } = told(story(submitted, started, printed("half"), lost, again, printed("whole\n")));
  assert.equal(texts[2], "half");
  assert.equal(texts.at(-1), "whole");
});

test("two logs are merged by time, each in its own order", () => {
  const journal = new Journal(10);
  const put = (log, at, text) => journal.put({ key: `${log} ${text}`, log, at, text });
  put("jobs", 10, "a");
  put("jobs", 30, "c");
  put("jobs", 25, "d, whose clock was set back");
  put("workers", 20, "b");
  assert.deepEqual(
    journal.lines.map((line) => line.text),
    ["a", "b", "c", "d, whose clock was set back"],
  );
});

test("the journal is bounded, drops the earliest and counts them", () => {
  const journal = new Journal(3);
  for (const at of [1, 2, 3, 4, 5]) journal.put({ key: `k${at}`, log: "jobs", at, text: `${at}` });
  journal.put({ key: "late", log: "workers", at: 0, text: "earlier than all" });
  assert.deepEqual(journal.lines.map((line) => line.text), ["3", "4", "5"]);
  assert.equal(journal.dropped, 3);
  assert.equal(journal.byKey.size, 3);
});

test("a log that began anew does not overwrite the lines of the old one", () => {
  const first = story(submitted);
  const second = [{ ...first[0], at: 90_000, job: "f".repeat(32) }];
  const { journal } = told([...first, ...second]);
  assert.equal(journal.lines.length, 2);
});

test("a snapshot ahead of the log is not undone by the log, whose lines still come", () => {
  const rows = emptyRows();
  const record = {
    id: JOB,
    task: "demo",
    state: "running",
    seq: 3,
    created_at: "2026-01-01T00:00:00.000Z",
    started_at: "2026-01-01T00:00:01.000Z",
    attempt: 1,
    worker: WORKER,
    progress: { done: 5, total: 10, message: "", fraction: 0.5 },
  };
  setJobs(rows, [record]);
  const late = story(submitted, started, ["progress_reported", { done: 1, total: 10, message: "" }]);
  const lines = late.flatMap((event) => fold(rows, event));
  assert.deepEqual(lines.map((line) => line.text), ["received", "started"]);
  assert.equal(activeJobs(rows)[0].progress.done, 5);
  assert.equal(activeJobs(rows)[0].startedAt, Date.parse(record.started_at));
  fold(rows, { seq: 4, at: 9_000, type: "job_cancelled", job: JOB, data: {} });
  assert.deepEqual(activeJobs(rows), []);
});

test("a snapshot replaces the jobs that were known", () => {
  const { rows } = told(story(submitted, started));
  setJobs(rows, []);
  assert.deepEqual(activeJobs(rows), []);
});

test("a final job of a snapshot is not revived by older events", () => {
  const rows = emptyRows();
  setJobs(rows, [{ id: JOB, task: "demo", state: "failed", seq: 7, created_at: "2026-01-01T00:00:00Z" }]);
  fold(rows, { ...story(submitted)[0], seq: 6 });
  assert.deepEqual(activeJobs(rows), []);
});

test("a snapshot of workers replaces the strip", () => {
  const { rows } = told(story(["worker_joined", { worker: WORKER, processes: 1, python: "3.11.7" }]));
  setWorkers(rows, [{ name: "b-2-ff00", processes: 4, python: "3.12.1" }]);
  assert.deepEqual([...rows.workers.values()].map(({ host, pid }) => [host, pid]), [["b", "2"]]);
});

test("times and names read well", () => {
  const spans = [0, 40, 2_000, 9_949, 9_960, 125_000, 3_725_000].map(duration);
  assert.deepEqual(spans, ["0 s", "40 ms", "2 s", "9.9 s", "10 s", "2:05 min", "1:02:05 h"]);
  assert.deepEqual(workerParts("a-b-12-c0de"), { host: "a-b", pid: "12" });
  assert.deepEqual(workerParts("odd"), { host: "odd", pid: "" });
});
