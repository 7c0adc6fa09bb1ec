/** What somebody sees who has no jobs yet: three lines to paste into a notebook. */

import { BASE } from "./access.js";
import { setText } from "./dom.js";

const COPIED_MS = 1_500;
const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

export class FirstSteps {
  /** `root`: the element of the list of jobs. */
  constructor(root) {
    this.code = root.querySelector("#first-code");
    this.copy = root.querySelector("#first-copy");
    setText(this.code, lines(BASE));
    this.copy.addEventListener("click", () => this.#copy());
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
    } catch {
      // A page that came neither by HTTPS nor from this machine has no clipboard.
      getSelection().selectAllChildren(this.code);
      setText(this.copy, "Selected: press Ctrl+C");
      return;
    }
    setText(this.copy, "Copied");
    setTimeout(() => setText(this.copy, "Copy"), COPIED_MS);
  }
}

/** Returns what to run; elsewhere the client has to be told of this server, never by its token. */
export function lines({ hostname, href }) {
  const job = 'client.submit("demo", "Hello")';
  if (HERE.has(hostname)) return `import taskkit\nclient = taskkit.Client()\n${job}`;
  const url = href.replace(/\/$/, "");
  return `import os, taskkit\nclient = taskkit.Client("${url}", os.environ["TASKKIT_TOKEN"])\n${job}`;
}
