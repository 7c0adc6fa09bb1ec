/** What makes a link to a job, shows it this once, and lists those that there are. */

import { BASE, ask } from "./access.js";
import { setText } from "./dom.js";
import { sharedHref } from "./route.js";
import { ShareList } from "./sharelist.js";

const COPIED_MS = 1_500;

export class ShareDialog {
  #job = "";
  #isMaking = false;

  /** `root`: the dialog; `refused` is called where the token is not taken. */
  constructor(root, { now, refused }) {
    Object.assign(this, { root, refused });
    for (const name of ["lasts", "note", "problem", "made", "link", "copy", "said", "make"]) {
      this[name] = root.querySelector(`#share-${name}`);
    }
    this.list = new ShareList(root.querySelector("#share-list"), {
      now,
      refused,
      shows: (share) => share.jobs.includes(this.#job),
      told: (words) => {
        this.#forget();
        setText(this.said, words);
      },
      failed: (error) => setText(this.problem, `Not done: ${error.message}.`),
    });
    this.make.addEventListener("click", () => this.#make());
    this.copy.addEventListener("click", () => this.#copy());
    this.note.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#make();
    });
    root.querySelector("#share-close").addEventListener("click", () => root.close());
    root.addEventListener("close", () => this.#forget());
  }

  /** Asks what link to a job is wanted. */
  open(job) {
    this.#job = job;
    this.#forget();
    this.note.value = "";
    this.list.clear();
    this.root.showModal();
    this.list.look();
  }

  /** What is closed shows no link any more; nor do links of another user. */
  close() {
    this.root.close();
  }

  #forget() {
    this.link.value = "";
    this.made.hidden = true;
    for (const text of [this.problem, this.said]) setText(text, "");
  }

  async #make() {
    if (this.#isMaking) return;
    this.#isMaking = true;
    this.#forget();
    const json = { jobs: [this.#job], note: this.note.value.trim() };
    if (this.lasts.value) json.expires_s = Number(this.lasts.value);
    try {
      const { status, body } = await ask("shares", { method: "POST", json });
      if (status === 401) this.refused();
      else if (this.root.open) this.#show(body);
    } catch (error) {
      setText(this.problem, `No link was made: ${error.message}.`);
    } finally {
      this.#isMaking = false;
    }
  }

  #show({ link, token }) {
    this.link.value = link ?? new URL(`${sharedHref()}/${token}`, BASE).href;
    this.made.hidden = false;
    setText(this.said, "The link is shown this once.");
    this.link.focus();
    this.link.select();
    this.list.look();
  }

  async #copy() {
    this.link.select();
    try {
      await navigator.clipboard.writeText(this.link.value);
    } catch {
      // A page that came neither by HTTPS nor from this machine has no clipboard.
      this.link.focus();
      setText(this.said, "The link is selected: press Ctrl+C.");
      return;
    }
    setText(this.copy, "Copied");
    setText(this.said, "The link is copied.");
    setTimeout(() => setText(this.copy, "Copy"), COPIED_MS);
  }
}
