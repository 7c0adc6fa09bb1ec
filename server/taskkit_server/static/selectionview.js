/** The bar that says what is selected and does something to it, after a question where it is much. */

import { CANCEL, RETRY, SCOPES, outcome, toEach } from "./acts.js";
import { setText } from "./dom.js";
import { isActive } from "./rows.js";
import { count } from "./words.js";

export class SelectionView {
  #jobs = [];
  #scopes = null;
  #isActing = false;

  /** `act(verb, id)` returns a promise; `cleared()`: nothing is to be selected any more. */
  constructor(root, { act, cleared }) {
    Object.assign(this, { act, cleared });
    this.bar = root.querySelector("#selection");
    this.many = root.querySelector("#selected");
    this.did = root.querySelector("#did");
    this.ask = document.getElementById("sure");
    this.buttons = [
      { button: root.querySelector("#cancel-selected"), what: CANCEL, applies: isActive },
      { button: root.querySelector("#retry-selected"), what: RETRY, applies: isToRetry },
    ];
    for (const one of this.buttons) one.button.addEventListener("click", () => this.#start(one));
    root.querySelector("#clear-selected").addEventListener("click", cleared);
    this.ask.querySelector("#sure-no").addEventListener("click", () => this.ask.close());
  }

  /** What may be done, by the scopes of the token. */
  allow(scopes) {
    this.#scopes = new Set(scopes);
  }

  /** Shows what is selected. */
  show(jobs) {
    this.#jobs = jobs;
    this.bar.hidden = jobs.length === 0 && !this.#isActing;
    // What became of the last selection is no news once there is another.
    if (jobs.length > 0 && !this.#isActing) setText(this.did, "");
    if (!this.#isActing) setText(this.many, `${jobs.length.toLocaleString("en")} selected`);
    for (const { button, what, applies } of this.buttons) {
      const fitting = jobs.filter(applies).length;
      button.hidden = fitting === 0 || this.#isActing || !this.#may(what);
      setText(button, `${what.word} ${fitting.toLocaleString("en")}`);
    }
  }

  #may({ verb }) {
    return this.#scopes === null || this.#scopes.has(SCOPES[verb]);
  }

  #start({ what, applies }) {
    const ids = this.#jobs.filter(applies).map((job) => job.id);
    if (ids.length < 2 || what !== CANCEL) {
      this.#run(what, ids);
      return;
    }
    const jobs = count(ids.length, "job", "jobs");
    setText(this.ask.querySelector("#sure-what"), `Cancel ${jobs}? What they have done so far is lost.`);
    const yes = this.ask.querySelector("#sure-yes");
    setText(yes, `Cancel ${jobs}`);
    yes.onclick = () => {
      this.ask.close();
      this.#run(what, ids);
    };
    this.ask.showModal();
  }

  async #run(what, ids) {
    this.#isActing = true;
    const tell = (done) => setText(this.many, `${what.now} ${done} of ${ids.length}`);
    tell(0);
    this.show(this.#jobs);
    const errors = await toEach(ids, (id) => this.act(what.verb, id), tell);
    this.#isActing = false;
    setText(this.did, outcome(what, ids.length, errors));
    this.did.classList.toggle("problem", errors.length > 0);
    this.cleared();
  }
}

function isToRetry({ state }) {
  return state === "failed" || state === "cancelled";
}
