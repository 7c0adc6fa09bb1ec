// The pure modules of a job's page. Run by test_page_modules.py, which says where they are.
import assert from "node:assert/strict";
import { test } from "node:test";

const modules = process.env.PAGE_MODULES;
const { renamed } = await import(`${modules}/fragment.js`);
const freshness = await import(`${modules}/freshness.js`);
const { jobHref, jobIn } = await import(`${modules}/route.js`);
const { answered, asked, dueIn, failed, GAP_MS, heard, RETRY_MS, unseen } = freshness;

const JOB = "0123456789abcdef0123456789abcdef";
const RUNNING = { seq: 5, tickMs: 600 };
const FINAL = { seq: 9, tickMs: Infinity };

/** Returns what is known after a panel was asked for at 0 and came at `at`. */
function shown(panel, at = 10) {
  return answered(asked(unseen(), 0), at, panel);
}

test("an address names a job or the stack", () => {
  assert.equal(jobIn(jobHref(JOB)), JOB);
  for (const hash of ["", "#", "#/", "#/jobs/", `#/jobs/${JOB}/x`, `#/jobs/${JOB}?x`, "#jobs/1"]) {
    assert.equal(jobIn(hash), null, hash);
  }
});

test("a job is asked for at once, and never twice at a time", () => {
  assert.equal(dueIn(unseen(), 1_000, false), 0);
  const asking = asked(unseen(), 1_000);
  assert.equal(dueIn(asking, 9_000, false), Infinity);
  assert.equal(dueIn(heard(asking, 7), 9_000, false), Infinity);
});

test("news are fetched soon, but three times a second at most", () => {
  const stale = heard(shown(RUNNING), 6);
  assert.equal(dueIn(stale, 10, false), GAP_MS - 10);
  assert.equal(dueIn(stale, 5_000, false), 0);
  assert.ok(GAP_MS * 3 > 1_000);
});

test("what the panel shows already is no news", () => {
  const fresh = shown(FINAL);
  assert.equal(dueIn(heard(fresh, 9), 10, false), Infinity);
  assert.equal(dueIn(heard(fresh, 2), 10, false), Infinity);
});

test("what was heard while the panel was on its way counts only if it is newer", () => {
  const asking = asked(unseen(), 0);
  assert.equal(dueIn(answered(heard(asking, 9), 10, FINAL), 10_000, false), Infinity);
  assert.equal(dueIn(answered(heard(asking, 10), 10, FINAL), 10_000, false), 0);
});

test("an answer that is behind what was heard before it was asked for is not asked for for ever", () => {
  const again = answered(asked(heard(shown(RUNNING), 20), 1_000), 1_010, { ...FINAL, seq: 6 });
  assert.equal(dueIn(again, 60_000, false), Infinity);
});

test("a running job is drawn when its time moves on, a final one never again", () => {
  assert.equal(dueIn(shown(RUNNING), 10, false), 620);
  assert.equal(dueIn(shown({ seq: 5, tickMs: 1 }), 10, false), GAP_MS - 10);
  assert.equal(dueIn(shown(FINAL), 10, false), Infinity);
});

test("nothing is asked for in a hidden tab, and what was missed at once when it is seen", () => {
  assert.equal(dueIn(shown(RUNNING), 60_000, true), Infinity);
  assert.equal(dueIn(shown(RUNNING), 60_000, false), 0);
});

test("after a failure it is asked for again, but not for what is not there", () => {
  const asking = asked(unseen(), 0);
  assert.equal(dueIn(failed(asking, { isHopeless: false }), 100, false), RETRY_MS - 100);
  const absent = failed(asking, { isHopeless: true });
  assert.equal(dueIn(absent, 60_000, false), Infinity);
  assert.equal(dueIn(heard(absent, 1), 60_000, false), 0);
});

test("after a gap in the news any panel may be old, and is so once", () => {
  const lost = heard(shown(FINAL), Infinity);
  assert.equal(dueIn(lost, 60_000, false), 0);
  // Numbers of another epoch begin anew.
  const again = answered(asked(lost, 60_000), 60_010, { seq: 2, tickMs: Infinity });
  assert.equal(dueIn(again, 99_000, false), Infinity);
  assert.equal(dueIn(heard(again, 3), 99_000, false), 0);
});

test("styles and handlers of tags get names that the policy does not mind", () => {
  assert.equal(
    renamed('<b class="x" style="color:red" title="a > b">t</b>'),
    '<b class="x" data-style="color:red" title="a > b">t</b>',
  );
  assert.equal(renamed("<i onclick='a()' hidden STYLE=x>"), "<i data-onclick='a()' hidden data-STYLE=x>");
  assert.equal(renamed('<p id="a"style="x">'), '<p id="a"data-style="x">');
});

test("what looks like a style in a text or in another attribute stays as it is", () => {
  for (const html of [
    '<pre>&lt;b style="x" onclick="y"&gt; style="x"</pre>',
    '<b title="see style=&quot;x&quot; onclick=y"></b>',
    "<b title='a style=\"x\"'></b>",
    '<pre data-style-guide="1">a < b style="x"</pre>',
  ]) {
    assert.equal(renamed(html), html);
  }
});
