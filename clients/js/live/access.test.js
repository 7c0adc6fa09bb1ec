import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../src/index.js";
import * as errors from "../src/errors.js";
import { Heard, newClient, token, url } from "./stage.js";

const root = newClient();

/** Makes a token of a user, by whoever runs the server. */
async function made(scopes, user = "ana") {
  const json = { user, scopes };
  const { bytes } = await root.send("tokens", { method: "POST", json });
  return JSON.parse(new TextDecoder().decode(bytes));
}

test("a wrong token is refused by whatever is asked first", async () => {
  for (const wrong of ["wrong", null]) {
    const client = newClient({ token: wrong });
    await assert.rejects(client.submit("talk"), errors.Unauthorized);
    await assert.rejects(client.job("0".repeat(32)), errors.Unauthorized);
    const heard = new Heard(client.events());
    await heard.over;
    assert.ok(heard.failure instanceof errors.Unauthorized);
    client.close();
  }
});

test("a token that does not cover something says which scope is missing", async () => {
  const { token: reader } = await made(["read"]);
  const client = newClient({ token: reader });
  await assert.rejects(client.submit("talk"), (error) => {
    return error instanceof errors.Forbidden && error.details.scope === "submit";
  });
  client.close();
});

test("a token that is revoked ends waits and streams, and a valid one is needed to go on", async () => {
  const { id, token: hers } = await made(["submit", "read", "cancel"]);
  let current = hers;
  const client = newClient({ token: () => current });
  const job = await client.submit("held", { gate: "/nowhere" });
  const heard = new Heard(client.events({ from: "start" }));
  await heard.until((events) => events.some(({ type }) => type === "attempt_started"));
  const waited = assert.rejects(job.wait(), errors.Unauthorized);
  await root.send(`tokens/${id}`, { method: "DELETE" });
  await waited;
  await heard.over;
  assert.ok(heard.failure instanceof errors.Unauthorized);
  await assert.rejects(job.wait(), errors.Unauthorized);
  current = (await made(["submit", "read", "cancel"])).token;
  const later = job.wait();
  await job.cancel();
  assert.equal((await later).state, "cancelled");
  client.close();
});

test("a token of a link to jobs is told what it is for", async () => {
  const job = await root.submit("talk", [1]);
  await job.wait();
  const asked = { method: "POST", json: { jobs: [job.id] } };
  const share = JSON.parse(new TextDecoder().decode((await root.send("shares", asked)).bytes));
  const client = newClient({ token: share.token });
  await assert.rejects(client.submit("talk"), errors.Forbidden);
  client.close();
});

test("another user's job is as if it were not there", async () => {
  const job = await root.submit("talk", [1]);
  const client = newClient({ token: (await made(["submit", "read"], "eve")).token });
  await assert.rejects(client.job(job.id), errors.JobNotFound);
  client.close();
});

test("a client of an address where nothing is says so, when its patience is over", async () => {
  const client = new Client("http://127.0.0.1:9", { token, patienceMs: 500 });
  await assert.rejects(client.hello(), errors.NotReachable);
  client.close();
  assert.throws(() => new Client("nonsense"), TypeError);
  assert.ok(url);
});
