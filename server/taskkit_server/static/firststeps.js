/** What somebody sees who has no jobs yet: three lines to paste into a notebook. */

import { BASE, token } from "./access.js";
import { setText } from "./dom.js";
import { snippet } from "./snippet.js";

const COPIED_MS = 1_500;

export class FirstSteps {
  /** `root`: the element of the list of jobs. */
  constructor(root) {
    this.code = root.querySelector("#first-code");
    this.copy = root.querySelector("#first-copy");
    this.copy.addEventListener("click", () => this.#copy());
  }

  /** Writes them for who has signed in, or need not. */
  write() {
    setText(this.code, snippet(BASE, token() !== null));
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
