// The pure modules of the list of jobs. Run by test_page_modules.py, which says where they are.
import assert from "node:assert/strict";
import { test } from "node:test";

const modules = process.env.PAGE_MODULES;
const { outcome, toEach, CANCEL } = await import(`${modules}/acts.js`);
const { Archive } = await import(`${modules}/archive.js`);
const { Comings, fleet, load, queueRows } = await import(`${modules}/fleet.js`);
const { ALL, counted, listed, viewHref, viewIn } = await import(`${modules}/listing.js`);
const { Pager } = await import(`${modules}/pager.js`);
const { partIn } = await import(`${modules}/route.js`);
const { addJobs, change, emptyRows, incomplete } = await import(`${modules}/rows.js`);
const { snippet } = await import(`${modules}/snippet.js`);
const { Selection } = await import(`${modules}/selection.js`);
const { Stories, attemptsOf, wholeStory } = await import(`${modules}/stories.js`);
const { AROUND, inSight, kept, revealing } = await import(`${modules}/windowing.js`);
const { Totals } = await import(`${modules}/totals.js`);
const { moment } = await import(`${modules}/words.js`);

const job = (id, facts) => {
  const blank = { id, name: id, task: "fit", state: "queued", createdAt: 1 };
  const times = { startedAt: 0, finishedAt: 0, seq: 1, born: 1, queue: "default" };
  return { ...blank, ...times, ...facts };
};
const ids = (jobs) => jobs.map((one) => one.id);
const view = (facts) => ({ ...ALL, ...facts });

test("a list shows the states and the words that are asked for", () => {
  const jobs = [
    job("a1", { name: "Ising 2", state: "running" }),
    job("b2", { name: "ising 1", state: "failed" }),
    job("c3d4e5", { name: "fold", state: "queued" }),
  ];
  assert.deepEqual(ids(listed(jobs, view({ states: ["running", "failed"] }))), ["b2", "a1"]);
  assert.deepEqual(ids(listed(jobs, view({ words: "ISING  2" }))), ["a1"]);
  assert.deepEqual(ids(listed(jobs, view({ words: "C3D4 fit" }))), ["c3d4e5"]);
  assert.deepEqual(counted(jobs, "ising"), { queued: 0, running: 1, failed: 1, succeeded: 0, cancelled: 0 });
});

test("a job is found by its queue, which its event and its record tell", () => {
  const rows = emptyRows();
  const data = { task: "fit", options: { queue: "gpu" } };
  change(rows, { seq: 1, at: 1_000, type: "job_submitted", job: "a", data });
  addJobs(rows, [record("b", { options: { queue: "gpu" } }), record("c")]);
  const found = listed(rows.jobs.values(), view({ words: "gpu" }));
  assert.deepEqual(new Set(ids(found)), new Set(["a", "b"]));
});

test("a job of which only late events are known is not listed before the rest is", () => {
  const jobs = [job("a", { createdAt: 0 })];
  assert.deepEqual(listed(jobs, ALL), []);
  assert.equal(counted(jobs, "").queued, 0);
});

test("jobs are ordered by age, by how long they run, by state and by name", () => {
  const jobs = [
    job("waits", { createdAt: 50, name: "fit 10" }),
    job("young", { createdAt: 40, state: "running", startedAt: 45, name: "fit 9" }),
    job("old", { createdAt: 10, state: "running", startedAt: 20, name: "a" }),
    job("short", { createdAt: 30, state: "succeeded", startedAt: 31, finishedAt: 32, name: "c" }),
    job("long", { createdAt: 20, state: "failed", startedAt: 21, finishedAt: 40, name: "b" }),
  ];
  const order = (sort) => ids(listed(jobs, view({ sort })));
  assert.deepEqual(order("newest"), ["waits", "young", "short", "long", "old"]);
  assert.deepEqual(order("longest"), ["old", "young", "long", "short", "waits"]);
  assert.deepEqual(order("state"), ["young", "old", "waits", "long", "short"]);
  assert.deepEqual(order("name"), ["old", "long", "short", "young", "waits"]);
});

test("jobs that came in the same millisecond stay in the order in which they came", () => {
  const rows = emptyRows();
  addJobs(rows, [record("b", { seq: 9, state: "succeeded", created_at: "1970-01-01T00:00:01.000Z" })]);
  ["c", "b", "a"].forEach((id, n) => {
    change(rows, { seq: n + 1, at: 1_000, type: "job_submitted", job: id, data: { task: "fit" } });
  });
  const before = ids(listed(rows.jobs.values(), ALL));
  assert.deepEqual(before, ["a", "b", "c"]);
  change(rows, { seq: 12, at: 2_000, type: "job_cancelled", job: "c", data: {} });
  assert.deepEqual(ids(listed(rows.jobs.values(), ALL)), before);
});

test("a view is in the address and comes back from it", () => {
  for (const facts of [
    {},
    { states: ["running", "failed"], words: "T = 2.2 & more #1", sort: "name" },
    { words: "ünï ✓" },
  ]) {
    assert.deepEqual(viewIn(viewHref(view(facts))), view(facts));
  }
  assert.equal(viewHref(ALL), "#/");
  assert.equal(viewHref(view({ states: ["queued", "running"] })), "#/?state=queued,running");
});

test("an address that says nonsense is the whole list", () => {
  for (const hash of ["", "#", "#/x", "#/?state=odd&sort=toString", "#/?state=,,", "#/jobs/1?q=x"]) {
    assert.deepEqual(viewIn(hash), ALL, hash);
  }
});

test("an address names one of three parts", () => {
  assert.deepEqual(["#/jobs/ab", "#/workers", "#/?q=1", "", "#/jobs/"].map(partIn), [
    "job",
    "workers",
    "jobs",
    "jobs",
    "jobs",
  ]);
});

test("there are elements for the rows in sight and a few around, however many there are", () => {
  const sight = (topPx, count) => inSight({ topPx, heightPx: 400, rowPx: 40, count });
  assert.deepEqual(sight(0, 10_000), [0, 10 + AROUND]);
  assert.deepEqual(sight(200_000, 10_000), [5_000 - AROUND, 5_010 + AROUND]);
  assert.deepEqual(sight(399_600, 10_000), [9_990 - AROUND, 10_000]);
  assert.deepEqual(sight(9_000, 3), [3, 3]);
  assert.deepEqual(sight(0, 0), [0, 0]);
});

test("what somebody looks at stays where it is when jobs come above it", () => {
  assert.equal(kept({ topPx: 90, rowPx: 40, before: 2, index: 7 }), 290);
  assert.equal(kept({ topPx: 0, rowPx: 40, before: 0, index: 5 }), 0);
  assert.equal(kept({ topPx: 90, rowPx: 40, before: 2, index: -1 }), 90);
});

test("a row is brought in sight by the smallest movement", () => {
  const at = (index) => revealing({ topPx: 400, heightPx: 440, rowPx: 40, headPx: 40, index });
  assert.deepEqual([5, 12, 19, 20].map(at), [200, 400, 400, 440]);
});

test("several are selected one by one, by ranges and all at once", () => {
  const all = ["a", "b", "c", "d", "e"];
  const picked = new Selection();
  picked.toggle("d");
  picked.extend(all, "b");
  assert.deepEqual(all.filter((id) => picked.has(id)), ["b", "c", "d"]);
  picked.toggle("c");
  assert.equal(picked.size, 2);
  picked.keep([{ id: "d" }]);
  assert.deepEqual(picked.of([{ id: "d" }, { id: "b" }]), [{ id: "d" }]);
  picked.selectAll(all);
  assert.equal(picked.size, 5);
  picked.clear();
  picked.extend(all, "c");
  assert.deepEqual(all.filter((id) => picked.has(id)), ["c"]);
});

/** Returns `ask` of a server with so many jobs, which knows `next` or does not. */
function server(many, { knowsNext }) {
  const jobs = Array.from({ length: many }, (_, n) => ({ id: `j${many - n}`, state: "succeeded" }));
  const asked = [];
  const ask = async (path) => {
    asked.push(path);
    const query = new URLSearchParams(path.split("?")[1]);
    const [limit, place] = [Number(query.get("limit")), query.get("cursor") ?? query.get("before")];
    const from = place === null ? 0 : jobs.findIndex((one) => place.endsWith(one.id)) + 1;
    const page = jobs.slice(from, from + limit);
    const next = from + limit < many ? `x+/${page.at(-1)?.id}` : null;
    return knowsNext ? { jobs: page, next } : { jobs: page };
  };
  return { ask, asked };
}

async function readAll(pager) {
  const found = [];
  while (!pager.isAtEnd) found.push(...ids(await pager.next()));
  return found;
}

test("all pages are read, each once, by `next` and without it", async () => {
  for (const knowsNext of [true, false]) {
    for (const many of [0, 1, 10, 25, 30]) {
      const { ask, asked } = server(many, { knowsNext });
      const found = await readAll(new Pager({ ask, limit: 10 }));
      assert.equal(found.length, many);
      assert.equal(new Set(found).size, many);
      const pages = knowsNext ? Math.max(1, Math.ceil(many / 10)) : Math.floor(many / 10) + 1;
      assert.equal(asked.length, pages);
      assert.equal(asked.slice(1).every((path) => path.includes(knowsNext ? "cursor=" : "before=")), true);
    }
  }
});

test("two who ask for a page at a time get the same one, and a failure loses none", async () => {
  const { ask } = server(15, { knowsNext: true });
  let isDown = false;
  const pager = new Pager({
    ask: (path) => (isDown ? Promise.reject(new Error("away")) : ask(path)),
    limit: 10,
  });
  const [first, second] = await Promise.all([pager.next(), pager.next()]);
  assert.equal(first, second);
  isDown = true;
  await assert.rejects(pager.next());
  isDown = false;
  assert.deepEqual(ids(await pager.next()), ["j5", "j4", "j3", "j2", "j1"]);
  assert.deepEqual(await pager.next(), []);
});

function record(id, facts) {
  const created = "2026-01-01T00:00:00.000Z";
  const blank = { id, task: "fit", state: "queued", seq: 1, created_at: created, attempt: 0, options: {} };
  return { ...blank, ...facts };
}

test("of a job that is listed and heard of, the newer stays", () => {
  const rows = emptyRows();
  addJobs(rows, [record("a", { seq: 5, state: "succeeded", options: { name: "mine" } })]);
  change(rows, { seq: 3, at: 3, type: "attempt_started", job: "a", data: { attempt: 1, worker: "w" } });
  assert.equal(rows.jobs.get("a").state, "succeeded");
  addJobs(rows, [record("a", { seq: 4, state: "running" })]);
  assert.equal(rows.jobs.get("a").state, "succeeded");
  assert.equal(rows.jobs.get("a").name, "mine");
});

test("a job whose beginning was not heard is completed from the list and keeps its state", () => {
  const rows = emptyRows();
  const error = { type: "ValueError", message: "no\nmore", traceback: "" };
  change(rows, { seq: 9, at: 90, type: "job_failed", job: "a", data: { error } });
  assert.deepEqual(incomplete(rows), ["a"]);
  addJobs(rows, [record("a", { seq: 8, state: "running", started_at: "2026-01-01T00:00:05.000Z" })]);
  const row = rows.jobs.get("a");
  assert.deepEqual([row.state, row.task, row.says, row.seq], ["failed", "fit", "ValueError: no", 9]);
  assert.equal(row.startedAt, Date.parse("2026-01-01T00:00:05.000Z"));
  assert.deepEqual(incomplete(rows), []);
});

test("progress does not reorder a list, a state does", () => {
  const rows = emptyRows();
  change(rows, { seq: 1, at: 1, type: "job_submitted", job: "a", data: { task: "fit" } });
  change(rows, { seq: 2, at: 2, type: "attempt_started", job: "a", data: { attempt: 1, worker: "w" } });
  const { turns } = rows;
  change(rows, { seq: 3, at: 3, type: "progress_reported", job: "a", data: { done: 1 } });
  assert.equal(rows.turns, turns);
  change(rows, { seq: 4, at: 4, type: "job_cancelled", job: "a", data: {} });
  assert.equal(rows.turns, turns + 1);
});

test("older jobs are read so many pages at a wish, then the reader is asked", async () => {
  const rows = emptyRows();
  const { ask } = server(250 * 12, { knowsNext: true });
  const dated = async (path) => {
    const body = await ask(path);
    return { ...body, jobs: body.jobs.map(({ id }) => record(id)) };
  };
  const archive = new Archive({ ask: dated, rows, changed() {}, failed: assert.fail });
  for (let n = 0; n < 20; n += 1) await archive.more();
  assert.equal(rows.jobs.size, 2_000);
  assert.ok(archive.hasMore && !archive.isWilling);
  archive.renew();
  for (let n = 0; n < 20; n += 1) await archive.more();
  assert.equal(rows.jobs.size, 3_000);
  assert.ok(!archive.hasMore);
});

test("how many there are is asked once for a change, and again after another", async () => {
  let asked = 0;
  let answer = { counts: { succeeded: 20_000 } };
  const totals = new Totals({
    ask: async () => {
      asked += 1;
      if (answer === null) throw new Error("away");
      return answer;
    },
    changed() {},
    pause: 0,
  });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
  for (const turns of [1, 1, 2]) totals.renew(turns); // while an answer is on its way none is asked for
  assert.equal(totals.counts, null);
  await settled();
  assert.deepEqual([asked, totals.counts.succeeded], [1, 20_000]);
  totals.renew(2);
  await settled();
  totals.renew(2);
  assert.equal(asked, 2);
  answer = null;
  totals.renew(3);
  await settled();
  assert.deepEqual([asked, totals.counts.succeeded], [3, 20_000]);
});

test("who changes often is asked for seldom", async () => {
  let asked = 0;
  const ask = async () => ({ counts: { succeeded: (asked += 1) } });
  const totals = new Totals({ ask, changed() {}, pause: 30 });
  for (let turns = 0; turns < 50; turns += 1) {
    totals.renew(turns);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.ok(asked >= 2 && asked < 25, `asked ${asked} times`);
  assert.equal(totals.counts.succeeded, asked);
});

test("after a gap what was known is replaced by the newest and by all that is not final", async () => {
  const rows = emptyRows();
  addJobs(rows, [record("gone", { state: "running" })]);
  const ask = async (path) => {
    const isActive = path.includes("state=queued&state=running");
    return { jobs: [record(isActive ? "old but waiting" : "new")], next: null };
  };
  const archive = new Archive({ ask, rows, changed() {}, failed: assert.fail });
  await archive.restart();
  assert.deepEqual([...rows.jobs.keys()], ["new", "old but waiting"]);
});

test("a page that comes after a gap is not laid on what was read since", async () => {
  const rows = emptyRows();
  let release;
  const late = new Promise((settle) => (release = settle));
  let isFirst = true;
  const ask = async () => {
    if (!isFirst) return { jobs: [record("new")], next: null };
    isFirst = false;
    await late;
    return { jobs: [record("stale", { state: "running" })], next: null };
  };
  const archive = new Archive({ ask, rows, changed() {}, failed: assert.fail });
  const reading = archive.more();
  await archive.restart();
  release();
  await reading;
  assert.deepEqual([...rows.jobs.keys()], ["new"]);
});

test("each is done, a few at a time, and what fails is told", async () => {
  let open = 0;
  let most = 0;
  const act = async (id) => {
    most = Math.max(most, (open += 1));
    await new Promise((settle) => setImmediate(settle));
    open -= 1;
    if (id === 3) throw new Error("no scope");
  };
  const errors = await toEach([1, 2, 3, 4, 5, 6, 7, 8, 9], act);
  assert.equal(most, 4);
  assert.equal(outcome(CANCEL, 9, errors), "8 jobs cancelled. Not cancelled: 1 job (no scope).");
  assert.equal(outcome(CANCEL, 1, []), "1 job cancelled.");
  assert.equal(outcome(CANCEL, 1, errors), "Not cancelled: 1 job (no scope).");
});

// What happened

const heardOf = (...facts) => {
  const stories = new Stories();
  facts.forEach(([type, data, at], n) => stories.add({ job: "a", seq: n + 1, at: at ?? (n + 1) * 1_000, type, data }));
  return stories.of("a");
};
const submitted = ["job_submitted", { task: "fit" }];
const started = (attempt) => ["attempt_started", { attempt, worker: `lab-${attempt}-ab` }];
const error = { type: "ValueError", message: "no", traceback: "" };

test("however much an attempt says, it is one step with a line for each kind", () => {
  const says = Array.from({ length: 600 }, (_, n) => [
    ["progress_reported", { done: n, total: 600, message: "m" }, n],
    ["output_written", { text: `line ${n}\n` }, n],
  ]).flat();
  const steps = heardOf(submitted, started(1), ...says, ["job_failed", { error }]);
  assert.deepEqual(steps.map((step) => step.type), ["job_submitted", "attempt_started", "said", "job_failed"]);
  const [bar, output] = steps[2].kinds;
  assert.deepEqual([bar.count, bar.firstAt, bar.lastAt, bar.data.done], [600, 0, 599, 599]);
  assert.deepEqual([output.count, output.data.text], [600, "line 599"]);
});

test("what an attempt says in a way that this page does not know is told by its own words", () => {
  const data = (step) => ({ step, saved_to: "run 7.npz", parts: [1, 2] });
  const unknown = [1, 2].map((step) => ["checkpoint_kept", data(step)]);
  const steps = heardOf(submitted, started(1), ...unknown, ["constructor", { at: "x".repeat(500) }]);
  const [kept, odd] = steps[2].kinds;
  assert.deepEqual([kept.type, kept.count], ["checkpoint_kept", 2]);
  assert.equal(kept.data.text, "step 2, saved to run 7.npz, parts [1,2]");
  assert.deepEqual([odd.type, odd.data.text.length], ["constructor", 201]);
  assert.equal(attemptsOf(steps).length, 1);
});

test("each attempt has its beginning, its end, its worker and why", () => {
  const steps = heardOf(
    submitted,
    started(1),
    ["attempt_lost", { attempt: 1, cause: "signal 9" }],
    started(2),
    ["attempt_failed", { attempt: 2, error, retry_at: 9 }],
    started(3),
    ["job_succeeded", { result: { preview: "42" } }],
  );
  assert.deepEqual(attemptsOf(steps), [
    { attempt: 1, worker: "lab-1-ab", startedAt: 2_000, endedAt: 3_000, end: "lost", why: "signal 9" },
    { attempt: 2, worker: "lab-2-ab", startedAt: 4_000, endedAt: 5_000, end: "failed", why: "ValueError: no" },
    { attempt: 3, worker: "lab-3-ab", startedAt: 6_000, endedAt: 7_000, end: "succeeded", why: "42" },
  ]);
});

test("a job that is cancelled between two attempts ends neither again", () => {
  const lost = ["attempt_lost", { attempt: 1, cause: "signal 9" }];
  const attempts = attemptsOf(heardOf(submitted, started(1), lost, ["job_cancelled", {}]));
  assert.deepEqual(attempts.map(({ end, endedAt }) => [end, endedAt]), [["lost", 3_000]]);
  assert.deepEqual(attemptsOf(heardOf(submitted, ["job_cancelled", {}])), []);
});

test("what the log has lost of a story comes from the job's record", () => {
  const told = record("a", {
    state: "failed",
    past_attempts: [{ attempt: 1, end: "lost", cause: "signal 9", at: "2026-01-01T00:00:10.000Z" }],
    started_at: "2026-01-01T00:00:20.000Z",
    finished_at: "2026-01-01T00:00:30.000Z",
    attempt: 2,
    worker: "lab-2-ab",
    error,
  });
  const { steps, isWhole } = wholeStory([], told);
  assert.equal(isWhole, false);
  assert.deepEqual(
    steps.map((step) => step.type),
    ["job_submitted", "attempt_lost", "attempt_started", "job_failed"],
  );
  const [first, second] = attemptsOf(steps);
  assert.deepEqual([first.startedAt, first.end, first.why], [0, "lost", "signal 9"]);
  assert.deepEqual([second.worker, second.end, second.why], ["lab-2-ab", "failed", "ValueError: no"]);

  const late = heardOf(["job_failed", { error }, Date.parse("2026-01-01T00:00:30.000Z")]);
  assert.deepEqual(wholeStory(late, told).steps.map((step) => step.type).slice(-2), [
    "attempt_started",
    "job_failed",
  ]);
  const all = heardOf(submitted, started(1));
  assert.deepEqual(wholeStory(all, told), { steps: all, isWhole: true });
});

// Workers and queues

const worker = (facts) => {
  return { name: "lab-1-ab", processes: 4, busy: 0, jobs: [], joined_at: "2026-01-01T00:00:00Z", ...facts };
};

test("a worker's jobs are one's own by name, of others only how many", () => {
  const jobs = new Map([["a", job("a", { name: "mine" })]]);
  const [one] = fleet([worker({ busy: 3, jobs: ["a"] })], jobs);
  assert.deepEqual([one.own.map(({ name }) => name), one.others], [["mine"], 2]);
  // A server of before says nothing of `busy`.
  assert.deepEqual(fleet([worker({ busy: undefined, jobs: ["a", "b"] })], jobs)[0].busy, 2);
  assert.deepEqual(load(fleet([worker({ busy: 3 }), worker({ name: "b" })], jobs)), { busy: 3, processes: 8 });
});

test("the worker that is here longest is first", () => {
  const late = worker({ name: "late", joined_at: "2026-02-01T00:00:00Z" });
  assert.deepEqual(fleet([late, worker()], new Map()).map(({ name }) => name), ["lab-1-ab", "late"]);
});

test("a queue shows one's own beside all, and that nobody serves it", () => {
  const [one, two, three] = queueRows([
    { name: "default", queued: 3, running: 2, workers: 1, queued_all: 1_200, running_all: 2 },
    { name: "gpu", queued: 0, running: 0, workers: 0, queued_all: 1, running_all: 0 },
    { name: "old server", queued: 3, running: 2, workers: 0 },
  ]);
  assert.deepEqual([one.queued, one.running, one.isStuck], ["3 of 1,200", "2 of 2", false]);
  assert.deepEqual([two.queued, two.isStuck], ["0 of 1", true]);
  assert.deepEqual([three.queued, three.isStuck], ["3", true]);
});

test("comings and goings are told newest first, with how long somebody stayed", () => {
  const comings = new Comings();
  const joined = { worker: "lab-1-ab", processes: 1, python: "3.11.7" };
  comings.add({ seq: 1, at: 0, type: "worker_joined", data: joined });
  comings.add({ seq: 2, at: 125_000, type: "worker_left", data: { worker: "lab-1-ab", reason: "stopped" } });
  comings.add({ seq: 3, at: 126_000, type: "worker_left", data: { worker: "x", reason: "silent" } });
  assert.deepEqual(comings.list.map(({ text }) => text), [
    "silent",
    "stopped after 2:05 min",
    "1 process, Python 3.11.7",
  ]);
  for (let n = 0; n < 500; n += 1) comings.add({ seq: n, at: n, type: "worker_joined", data: joined });
  assert.equal(comings.list.length, 200);
});

test("a moment of today is a time, one of another day has its day", () => {
  const noon = new Date(2026, 4, 3, 12, 5, 9).getTime();
  assert.equal(moment(noon, noon + 1_000), "12:05:09");
  assert.equal(moment(noon, noon + 86_400_000), "May 3, 12:05");
});

test("what to paste names the server where a client would not find it, and never a token", () => {
  const at = (href, hasToken) => snippet(new URL(href), hasToken);
  for (const here of ["http://localhost:5000/", "http://127.0.0.1:5000/", "http://[::1]:5000/"]) {
    assert.match(at(here, true), /^import taskkit\nclient = taskkit.Client\(\)\n/);
  }
  // Through Jupyter: the page needed no token, and a notebook beside it finds the stack.
  assert.match(at("https://hub.lab/user/ana/taskkit/", false), /taskkit.Client\(\)/);
  const away = at("https://jobs.lab/x/", true);
  assert.match(away, /Client\("https:\/\/jobs.lab\/x", os.environ\["TASKKIT_TOKEN"\]\)/);
  assert.equal(away.split("\n").length, 3);
});
