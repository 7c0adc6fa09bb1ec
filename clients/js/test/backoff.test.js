import assert from "node:assert/strict";
import { test } from "node:test";
import { delayMs, retryAfterMs } from "../src/backoff.js";

const NOW = Date.UTC(2026, 10, 27, 12, 0, 0);

test("a wait doubles up to its limit, and chance takes at most half of it", () => {
  const [least, most] = [() => 0, () => 1].map((random) => {
    return [0, 1, 2, 3, 10, 1_000].map((failures) => delayMs(failures, { random }));
  });
  assert.deepEqual(most, [100, 200, 400, 800, 5_000, 5_000]);
  assert.deepEqual(least, most.map((ms) => ms / 2));
});

test("those who were cut off together do not come back together", () => {
  const waits = Array.from({ length: 100 }, () => delayMs(20));
  assert.ok(new Set(waits).size > 90);
  assert.ok(waits.every((ms) => ms >= 2_500 && ms <= 5_000));
});

test("Retry-After is in seconds, or a date", () => {
  assert.equal(retryAfterMs("3", NOW), 3_000);
  assert.equal(retryAfterMs(" 0 ", NOW), 0);
  assert.equal(retryAfterMs("Fri, 27 Nov 2026 12:00:07 GMT", NOW), 7_000);
  assert.equal(retryAfterMs("Fri, 27 Nov 2026 11:00:00 GMT", NOW), 0);
});

test("what is no Retry-After says nothing", () => {
  for (const text of [null, "", "soon", "-1", "1.5", "99999999999999999999"]) {
    assert.equal(retryAfterMs(text, NOW), null, String(text));
  }
});
