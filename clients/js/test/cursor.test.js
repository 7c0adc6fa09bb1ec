import assert from "node:assert/strict";
import { test } from "node:test";
import { START, receive } from "../src/cursor.js";

const events = (...seqs) => seqs.map((seq) => ({ seq, at: 1_000 + seq, type: "x", job: "", data: {} }));
const stretch = (...seqs) => ({ epoch: "e", events: events(...seqs) });

test("each event is taken once, and the cursor says where and when the last one was", () => {
  const first = receive(START, stretch(1, 2));
  assert.deepEqual(first.cursor, { epoch: "e", after: 2, at: 1_002 });
  const overlap = receive(first.cursor, stretch(2, 3));
  assert.deepEqual(overlap.fresh.map(({ seq }) => seq), [3]);
  assert.deepEqual(receive(overlap.cursor, stretch(1, 2, 3)).fresh, []);
  assert.deepEqual(receive(overlap.cursor, stretch(1, 2, 3)).cursor, overlap.cursor);
});

test("behind a hole nothing is taken, nor where a stretch has one", () => {
  const { cursor } = receive(START, stretch(1, 2));
  for (const holed of [stretch(4), stretch(3, 5), stretch(2, 4)]) {
    const found = receive(cursor, holed);
    assert.ok(found.isGap);
    assert.deepEqual([found.cursor, found.fresh], [cursor, []]);
  }
});

test("another epoch is another log", () => {
  const { cursor } = receive(START, stretch(1, 2));
  const found = receive(cursor, { epoch: "other", events: events(3) });
  assert.deepEqual([found.isGap, found.cursor], [true, cursor]);
});

test("who has read nothing takes a log whose beginning is gone, and is told", () => {
  const found = receive(START, stretch(7, 8));
  assert.deepEqual([found.isGap, found.isTrimmed, found.cursor.after], [false, true, 8]);
});

test("a cursor without an epoch takes any, but no hole", () => {
  const cursor = { epoch: "", after: 5, at: 0 };
  assert.deepEqual(receive(cursor, stretch(6)).cursor, { epoch: "e", after: 6, at: 1_006 });
  assert.ok(receive(cursor, stretch(7)).isGap);
});

test("an empty stretch says which log it is", () => {
  assert.deepEqual(receive(START, stretch()).cursor, { ...START, epoch: "e" });
});
