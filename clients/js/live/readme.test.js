import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

test("the example of the README runs as it stands, and ends", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf-8");
  const [, example] = /```js\n(.+?)```/s.exec(readme);
  // A package finds itself by its own name.
  const running = spawn(process.execPath, ["--input-type=module", "--eval", example], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  let told = "";
  running.stdout.setEncoding("utf-8").on("data", (text) => (told += text));
  assert.deepEqual(await once(running, "close"), [0, null]);
  assert.match(told, /^\d+ of \d+$/m);
  assert.match(told, /^[0-9a-f]{32} -?\d/m);
  assert.match(told, /\[ 4, 25, 168 \]\n$/);
});
