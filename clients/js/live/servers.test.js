import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after, before, test } from "node:test";
import { Client } from "../src/index.js";
import { Heard, isAsLogged, straight, token } from "./stage.js";

const python = process.env.GROUNDS_PYTHON ?? "python3";
let second, secondPort, front;

before(async () => {
  secondPort = await freePort();
  const words = ["-P", "-m", "taskkit_server", "--port", String(secondPort)];
  const { TASKKIT_URL: _, ...env } = process.env;
  second = spawn(python, words, { stdio: ["ignore", "ignore", "inherit"], env });
  while (!(await answers(secondPort))) {
    assert.equal(second.exitCode, null);
    await new Promise((settle) => setTimeout(settle, 100));
  }
  front = fronting([Number(new URL(straight).port), secondPort]);
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
});

after(() => {
  second.kill("SIGKILL");
  front.close();
});

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((settle) => server.close(settle));
  return port;
}

async function answers(port) {
  const live = `http://127.0.0.1:${port}/health/live`;
  return fetch(live).then(({ ok }) => ok, () => false);
}

/** Stands before several servers: each connection goes to the next. */
function fronting(ports) {
  let turn = 0;
  const server = createServer((near) => {
    const port = ports[turn++ % ports.length];
    server.served.add(port);
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
    server.open.add(near);
    near.on("close", () => server.open.delete(near));
  });
  server.served = new Set();
  server.open = new Set();
  server.cut = () => server.open.forEach((socket) => socket.resetAndDestroy());
  return server;
}

test("whichever of two servers feeds it, a client goes on from where it was", async () => {
  const client = new Client(`http://127.0.0.1:${front.address().port}`, { token, silenceMs: 7_000 });
  const all = new Heard(client.events());
  const job = await client.submit("talk", { lines: 24, every_s: 0.1 });
  for (let cuts = 1; cuts <= 3; cuts += 1) {
    const before = all.events.length;
    await all.until((events) => events.length > before);
    if (cuts === 2) second.kill("SIGKILL");
    front.cut();
  }
  const { seq } = await job.wait();
  await all.until((events) => events.at(-1)?.seq >= seq);
  client.close();
  await all.over;
  await isAsLogged(all.events);
  assert.equal(front.served.size, 2);
});
