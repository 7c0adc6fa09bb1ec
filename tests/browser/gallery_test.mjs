// The pure modules behind the figures of a job's page. Run by test_page_modules.py.
import assert from "node:assert/strict";
import { test } from "node:test";

const modules = process.env.PAGE_MODULES;
const { BlobQueue } = await import(`${modules}/blobqueue.js`);
const figures = await import(`${modules}/figures.js`);
const { marked, unmarked } = await import(`${modules}/marks.js`);
const { broughtAlong, caption, content, figuresIn, withheld } = figures;

const RETRY_MS = 30;
const MARK = "\uFDD0";

/** Returns what the server tells of a figure. */
function figure(changes = {}) {
  const all = { name: "fit", media_type: "image/png", size_bytes: 3, digest: "aa", inline: null };
  return { ...all, text: "a figure", ...changes };
}

const bytes = (text) => new TextEncoder().encode(text);

test("a panel tells of its figures, or that there are none", () => {
  assert.deepEqual(figuresIn({ figures: JSON.stringify([figure()]) }), [figure()]);
  assert.deepEqual(figuresIn({}), []);
});

test("a small figure comes along, a large one is a blob, and one that was not kept is nothing", () => {
  assert.deepEqual(broughtAlong(figure({ digest: null, inline: btoa("abc") })), bytes("abc"));
  assert.deepEqual(broughtAlong(figure({ digest: null, inline: "" })), bytes(""));
  assert.deepEqual(broughtAlong(figure({ digest: null })), bytes(""));
  assert.equal(broughtAlong(figure()), undefined);
});

test("a number is no name", () => {
  assert.equal(caption(figure({ name: "12" })), "");
  assert.equal(caption(figure({ name: "٣" })), "");
  assert.equal(caption(figure({ name: "fit  2\n" })), "fit 2");
  assert.equal(caption(figure({ name: "x".repeat(400) })).length, 300);
});

test("images are shown as images, with words for who does not see them", () => {
  for (const type of ["image/png", "image/svg+xml"]) {
    assert.deepEqual(content(figure({ media_type: type, text: "a\n b" }), bytes("abc")), {
      as: "image",
      text: "a b",
      source: `data:${type};base64,${btoa("abc")}`,
    });
  }
  const large = new Uint8Array(300_000).map((_, at) => at);
  const { source } = content(figure(), large);
  assert.deepEqual(Buffer.from(source.split(",")[1], "base64"), Buffer.from(large));
});

test("all else is text, by its type", () => {
  const as = (type, text = "<b>ö</b>") => content(figure({ media_type: type }), bytes(text));
  assert.deepEqual(as("text/html"), { as: "html", text: "<b>ö</b>" });
  assert.deepEqual(as("text/latex"), { as: "formula", text: "<b>ö</b>" });
  for (const type of ["text/plain", "text/markdown", "image/tiff", "application/x-later"]) {
    assert.deepEqual(as(type), { as: "lines", text: "<b>ö</b>" });
  }
  assert.equal(as("text/plain", "x".repeat(30_000)).text.length, 20_000);
});

test("where there is nothing to be shown there are words", () => {
  assert.deepEqual(content(figure(), null), { as: "words", text: "a figure is on its way …" });
  const gone = { as: "words", text: "a figure is not here any more" };
  assert.deepEqual(content(figure(), bytes("")), gone);
  assert.equal(content(figure({ size_bytes: 0, media_type: "text/plain" }), bytes("")).as, "lines");
  assert.deepEqual(withheld(figure()).as, "words");
});

/** Answers to a queue when it is told to, and notes what it was asked for. */
class Place {
  asked = [];
  came = [];
  isHidden = false;
  #open = [];

  constructor() {
    this.queue = new BlobQueue({
      ask: (digest, signal) => {
        this.asked.push(digest);
        return new Promise((settle, fail) => this.#open.push({ settle, fail, signal }));
      },
      came: (figure, bytes) => this.came.push([figure.name, figure.digest, bytes.length]),
      isHidden: () => this.isHidden,
      retryMs: RETRY_MS,
    });
  }

  want(...figures) {
    for (const [name, digest] of figures) this.queue.want(figure({ name, digest }));
    this.queue.next();
  }

  get open() {
    return this.#open.length;
  }

  async answer() {
    this.#open.shift().settle(bytes("abc"));
    await new Promise(setImmediate);
  }

  async fail(status) {
    this.#open.shift().fail(Object.assign(new Error("no"), { status }));
    await new Promise(setImmediate);
  }

  isAborted() {
    return this.#open[0].signal.aborted;
  }
}

const later = (ms) => new Promise((settle) => setTimeout(settle, ms));

test("one blob is asked for at a time, and each once", async () => {
  const place = new Place();
  place.want(["a", "1"], ["b", "2"], ["c", "1"]);
  place.queue.next();
  assert.deepEqual(place.asked, ["1"]);
  await place.answer();
  assert.deepEqual(place.asked, ["1", "2"]);
  assert.equal(place.open, 1);
  await place.answer();
  assert.deepEqual(place.asked, ["1", "2"]);
  assert.deepEqual(place.came, [["a", "1", 3], ["b", "2", 3], ["c", "1", 3]]);
  place.want(["b", "1"]);
  assert.deepEqual(place.asked, ["1", "2"]);
});

test("of one that changes faster than it comes the last is brought, and others have their turn", async () => {
  const place = new Place();
  place.want(["a", "1"], ["b", "2"]);
  place.want(["a", "3"]);
  place.want(["a", "4"]);
  for (let n = 0; n < 3; n += 1) await place.answer();
  assert.deepEqual(place.asked, ["1", "2", "4"]);
  assert.deepEqual(place.came, [["a", "1", 3], ["b", "2", 3], ["a", "4", 3]]);
});

test("what is dropped is not brought, and what is gone is nothing", async () => {
  const place = new Place();
  place.want(["a", "1"], ["b", "2"]);
  place.queue.drop("b");
  await place.fail(404);
  assert.deepEqual(place.asked, ["1"]);
  assert.deepEqual(place.came, [["a", "1", 0]]);
});

test("after a failure it is asked for again, but not at once, whoever asks", async () => {
  const place = new Place();
  place.want(["a", "1"], ["b", "2"]);
  await place.fail(0);
  place.queue.next();
  assert.deepEqual(place.asked, ["1"]);
  await later(RETRY_MS * 2);
  assert.deepEqual(place.asked, ["1", "2"]);
  await place.answer();
  await place.answer();
  assert.deepEqual(place.came, [["b", "2", 3], ["a", "1", 3]]);
});

test("a failure does not bring an older one back", async () => {
  const place = new Place();
  place.want(["a", "1"]);
  place.want(["a", "2"]);
  await place.fail(0);
  await later(RETRY_MS * 2);
  await place.answer();
  assert.deepEqual(place.asked, ["1", "2"]);
});

test("in a hidden tab nothing is asked for", async () => {
  const place = new Place();
  place.want(["a", "1"], ["b", "2"]);
  place.isHidden = true;
  await place.answer();
  assert.deepEqual(place.asked, ["1"]);
  place.isHidden = false;
  place.queue.next();
  assert.deepEqual(place.asked, ["1", "2"]);
});

test("who leaves hears of nothing any more, and may come back at once", async () => {
  const place = new Place();
  place.want(["a", "1"], ["b", "2"]);
  place.queue.clear();
  assert.ok(place.isAborted());
  await place.answer();
  assert.deepEqual(place.came, []);
  place.want(["a", "1"]);
  assert.deepEqual(place.asked, ["1", "1"]);
});

test("the last blobs are remembered, and not more and more", async () => {
  const place = new Place();
  for (let n = 0; n < 20; n += 1) {
    place.want(["a", String(n)]);
    await place.answer();
  }
  place.want(["a", "19"]);
  assert.equal(place.asked.length, 20);
  place.want(["a", "0"]);
  assert.equal(place.asked.length, 21);
});

test("styles, handlers and other bases are hidden wherever a parser may find them", () => {
  for (const [html, hidden] of [
    ['<b style="a:b">', `<b ${MARK}style="a:b">`],
    ["<b/STYLE=a:b>", `<b/${MARK}STYLE=a:b>`],
    ["<b a='x'style>", `<b a='x'${MARK}style>`],
    ['<b a=q"z\nonclick\n=\nx>', `<b a=q"z\n${MARK}onclick\n=\nx>`],
    ["<style scoped>p{}</style\t>", "<xmp scoped>p{}</xmp\t>"],
    ["<BASE href=x><base/>", "<wbr href=x><wbr/>"],
    ["<b style", `<b ${MARK}style`],
  ]) {
    assert.equal(marked(html), hidden);
  }
});

test("what was hidden in texts is shown as it was", () => {
  for (const text of ["my style = 1, on style", "a/style/b", "<b data-style='x' styled>only</b>", ""]) {
    assert.equal(unmarked(marked(text)), text);
  }
  assert.equal(marked(`java${MARK}script:`), "javascript:");
});
