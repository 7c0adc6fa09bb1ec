import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ask } from "./stage.js";

const LIMIT_MS = 15_000;

/** Runs a program that uses a client; tells when it has said something, and how it ended. */
async function ended(program, whenReady = () => {}) {
  const stage = new URL("./stage.js", import.meta.url);
  const source = `
    import { Heard, newClient } from ${JSON.stringify(stage)};
    const client = newClient();
    ${program}`;
  const running = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["pipe", "pipe", "inherit"],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: process.env,
  });
  const limit = setTimeout(() => running.kill("SIGKILL"), LIMIT_MS);
  running.stdout.once("data", async () => {
    await whenReady();
    running.stdin.end("go\n");
  });
  const [code, signal] = await once(running, "exit");
  clearTimeout(limit);
  return [code, signal];
}

test("a program ends by itself after close()", async () => {
  const program = `
    const job = await client.submit("talk", [1]);
    for await (const event of job.events()) console.log(event.type);
    client.close();`;
  assert.deepEqual(await ended(program), [0, null]);
});

test("close() ends what waits, follows, reads and tries again", async () => {
  const program = `
    const job = await client.submit("held", { gate: "/nowhere" });
    const stopped = [job.wait(), job.result(), client.submit("talk", {}, { queue: "nobody" }).then((j) => j.wait())];
    const heard = new Heard(client.events({ from: "start" }));
    await heard.until((events) => events.length > 0);
    const asking = client.counts();
    client.close();
    for (const one of [...stopped, asking, job.refresh(), client.submit("talk")]) {
      await one.then(() => { throw new Error("it went on") }, ({ code }) => {
        if (code !== "client_closed") throw new Error(code);
      });
    }
    await heard.over;
    if (heard.failure) throw heard.failure;`;
  assert.deepEqual(await ended(program), [0, null]);
});

test("close() does not wait for a server that is gone without a word", async () => {
  const program = `
    await client.begin();
    while (client.cut) await new Promise((settle) => setTimeout(settle, 20));
    console.log("ready");
    await new Promise((settle) => process.stdin.once("data", settle));
    process.stdin.destroy();
    client.close();`;
  const way = ended(program, () => ask("mode", { name: "half-open" }));
  assert.deepEqual(await way, [0, null]);
  await ask("mode", { name: "pass" });
});

test("close() ends a client that cannot reach its server", async () => {
  await ask("mode", { name: "refuse" });
  const program = `
    client.submit("talk").catch(() => {});
    await new Promise((settle) => setTimeout(settle, 300));
    client.close();`;
  assert.deepEqual(await ended(program), [0, null]);
  await ask("mode", { name: "pass" });
});
