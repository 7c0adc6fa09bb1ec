import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, test } from "node:test";
import * as errors from "../src/errors.js";
import { Http } from "../src/http.js";

const open = [];
after(() => open.forEach((server) => server.close() && server.closeAllConnections()));

/** Serves with a list of answers, one a request, the last one for ever; returns what was asked. */
async function serving(...answers) {
  const asked = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      const { method, url, headers } = request;
      asked.push({ method, url, headers, body });
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer === "cut") request.socket.destroy();
      else if (answer === "half") response.writeHead(200, { "Content-Length": "9" }).write("{}");
      else if (answer !== "silent") {
        const { status = 200, json = {}, ...rest } = answer;
        response.writeHead(status, rest.headers).end(rest.text ?? JSON.stringify(json));
      }
    });
  });
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { asked, base: `http://127.0.0.1:${server.address().port}/at/v1/` };
}

const problem = (status, code, rest = {}) => ({ status, json: { status, code, detail: code, ...rest } });

test("a request says who asks, what protocol, and that it takes JSON", async () => {
  const { base, asked } = await serving({ json: { owner: "ana" } });
  assert.deepEqual(await new Http(base, { token: "t" }).ask("hello"), { owner: "ana" });
  const [{ url, headers }] = asked;
  assert.equal(url, "/at/v1/hello");
  assert.deepEqual(
    [headers.authorization, headers["taskkit-protocol"], headers.accept],
    ["Bearer t", "1", "application/json"],
  );
});

test("a lost answer has the same request sent again, if that does no harm", async () => {
  for (const asked of [{}, { method: "POST", json: { a: 1 }, key: "k" }, { method: "POST", isRepeatable: true }]) {
    const server = await serving("cut", "cut", { json: { fine: true } });
    assert.deepEqual(await new Http(server.base).ask("jobs", asked), { fine: true });
    assert.equal(server.asked.length, 3);
    const same = ({ method, body, headers }) => [method, body, headers["idempotency-key"]];
    assert.deepEqual(same(server.asked[2]), same(server.asked[0]));
  }
});

test("a request that may not be made twice is not", async () => {
  for (const answer of ["cut", problem(503, "unavailable")]) {
    const server = await serving(answer, {});
    const asking = new Http(server.base).ask("tokens", { method: "POST", json: {} });
    await assert.rejects(asking, errors.ServiceError);
    assert.equal(server.asked.length, 1);
  }
});

test("Retry-After is waited for, also of what may not be made twice where it was not done", async () => {
  const busy = { ...problem(429, "too_many_requests"), headers: { "Retry-After": "1" } };
  const server = await serving(busy, { json: { fine: true } });
  const begun = performance.now();
  await new Http(server.base).ask("tokens", { method: "POST", json: {} });
  assert.ok(performance.now() - begun >= 990);
  assert.equal(server.asked.length, 2);
});

test("patience ends, and what was wrong last is told", async () => {
  const server = await serving({ ...problem(503, "unavailable"), headers: { "Retry-After": "9" } });
  const asking = new Http(server.base, { patienceMs: 2_000 }).ask("hello");
  await assert.rejects(asking, (error) => {
    assert.ok(error instanceof errors.Unavailable);
    return error.retryAfterMs === 9_000;
  });
  assert.equal(server.asked.length, 1);
});

test("a server that falls silent, or stops within its answer, is not waited for", async () => {
  for (const answer of ["silent", "half"]) {
    const { base } = await serving(answer);
    const asking = new Http(base, { timeoutMs: 200, patienceMs: 0 }).ask("hello");
    await assert.rejects(asking, errors.NotReachable);
  }
});

test("a problem is an error of its class, with all that it says", async () => {
  const said = { request_id: "r1", nearest: ["ising"] };
  const { base } = await serving(problem(404, "task_not_found", said));
  await assert.rejects(new Http(base).ask("jobs"), (error) => {
    assert.ok(error instanceof errors.TaskNotFound && error instanceof errors.RequestError);
    assert.deepEqual(
      [error.name, error.code, error.status, error.requestId, error.details, error.message],
      ["TaskNotFound", "task_not_found", 404, "r1", { nearest: ["ising"] }, "task_not_found"],
    );
    return true;
  });
});

test("a code of tomorrow is of the nearest kind, and keeps its name", () => {
  const [ours, theirs] = [errors.errorOf({ code: "job_too_shy" }, 409), errors.errorOf({ code: "moon" }, 500)];
  assert.ok(ours instanceof errors.RequestError && theirs instanceof errors.ServiceError);
  assert.deepEqual([ours.code, theirs.code], ["job_too_shy", "moon"]);
  assert.ok(errors.errorOf({ code: "toString" }, 400) instanceof errors.RequestError);
});

test("what a proxy says is not taken for the server's word", async () => {
  const { base } = await serving({ status: 502, text: "<html>Bad Gateway" });
  await assert.rejects(new Http(base, { patienceMs: 0 }).ask("hello"), errors.NotReachable);
  const other = await serving({ text: "<html>Welcome" });
  await assert.rejects(new Http(other.base).ask("hello"), errors.DecodeError);
});

test("a signal ends a request, and a wait between two", async () => {
  for (const answer of ["silent", { ...problem(503, "unavailable"), headers: { "Retry-After": "30" } }]) {
    const { base, asked } = await serving(answer);
    const stop = new AbortController();
    const asking = new Http(base).ask("hello", { signal: stop.signal });
    while (asked.length === 0) await new Promise(setImmediate);
    stop.abort(new Error("enough"));
    await assert.rejects(asking, /enough/);
  }
});
