/** A job's page: its panel and its figures, kept up to date, and a button that ends or repeats it. */

import { ask, askHtml } from "./access.js";
import { setText } from "./dom.js";
import { answered, asked, dueIn, failed, heard, unseen } from "./freshness.js";
import { GalleryView } from "./galleryview.js";
import { PanelView } from "./panelview.js";
import { jobHref } from "./route.js";
import { shortId } from "./words.js";

const CANCEL = { word: "Cancel", now: "Cancelling …", verb: "cancel", fails: "Not cancelled" };
const RETRY = { word: "Retry", now: "Retrying …", verb: "retry", fails: "Not tried again" };

/** What the button does in each state; where it says nothing there is none. */
const ACTS = { queued: CANCEL, running: CANCEL, failed: RETRY, cancelled: RETRY };

export class JobView {
  /** What belongs to the job that is looked at: an answer for another one is nobody's. */
  #visit = null;
  #timer = 0;

  /** `root`: the page's element; `refused` is called where the token is not taken. */
  constructor(root, refused) {
    this.refused = refused;
    for (const name of ["title", "act", "problem", "stale", "said"]) {
      this[name] = root.querySelector(`#job-${name}`);
    }
    this.panel = new PanelView(root.querySelector("#job-panel"), (text) => setText(this.said, text));
    this.gallery = new GalleryView(root.querySelector("#job-figures"), refused);
    this.act.addEventListener("click", (event) => {
      // The second of a double click would try again what the first one cancelled.
      if (event.detail < 2) this.#act();
    });
    document.addEventListener("visibilitychange", () => this.#plan());
  }

  /** Shows a job from now on, unless it is shown already. */
  open(id) {
    if (this.#visit?.id === id) return;
    const retryKey = randomKey();
    this.#visit = { id, retryKey, fresh: unseen(), state: "", isActing: false };
    setText(this.title, `Job ${shortId(id)}`);
    this.title.title = id;
    for (const text of [this.problem, this.stale, this.said]) setText(text, "");
    this.#clear();
    this.#showAct();
    this.#plan();
  }

  /** Shows no job any more. */
  close() {
    this.#visit = null;
    this.#clear();
    this.#plan();
  }

  #clear() {
    this.panel.clear();
    this.gallery.clear();
  }

  /** Takes news of the owner's jobs. */
  received(events) {
    for (const event of events) if (event.job === this.#visit?.id) this.#hear(event.seq);
  }

  /** News were lost: the panel may be old, whatever it is of. */
  lost() {
    if (this.#visit !== null) this.#hear(Infinity);
  }

  #hear(seq) {
    this.#visit.fresh = heard(this.#visit.fresh, seq);
    this.#plan();
  }

  #plan() {
    clearTimeout(this.#timer);
    const visit = this.#visit;
    const ms = visit === null ? Infinity : dueIn(visit.fresh, performance.now(), document.hidden);
    if (ms !== Infinity) this.#timer = setTimeout(() => this.#fetch(visit), ms);
  }

  async #fetch(visit) {
    visit.fresh = asked(visit.fresh, performance.now());
    try {
      const { status, html } = await askHtml(`jobs/${visit.id}/panel`);
      await this.panel.dress();
      if (visit !== this.#visit) return;
      if (status === 401) {
        this.refused();
        return;
      }
      const shown = this.panel.draw(html);
      this.gallery.show(shown.figures);
      visit.fresh = answered(visit.fresh, performance.now(), shown);
      this.#show(visit, shown);
    } catch (error) {
      if (visit !== this.#visit) return;
      const isHopeless = error.status === 404;
      visit.fresh = failed(visit.fresh, { isHopeless });
      if (isHopeless) this.#showAbsence(visit);
      else setText(this.stale, `Not up to date: ${error.message}. Trying again …`);
    }
    this.#plan();
  }

  #show(visit, { state, name, percent }) {
    setText(this.stale, "");
    document.title = `${(state === "running" && percent) || state} · ${name} · taskkit`;
    if (state === visit.state) return;
    visit.state = state;
    // Screen readers are told a state when it begins; the rest is there to be read.
    setText(this.said, `${name}: ${state}`);
    this.#showAct();
  }

  #showAbsence(visit) {
    visit.state = "";
    this.#clear();
    this.#showAct();
    document.title = "no such job · taskkit";
    const why = "or it is not yours, or it ended so long ago that it is not kept any more";
    setText(this.stale, `There is no job ${visit.id}, ${why}.`);
  }

  // The button

  #showAct() {
    const { state, isActing } = this.#visit;
    const act = ACTS[state];
    if (act === undefined && document.activeElement === this.act) this.title.focus();
    this.act.hidden = act === undefined;
    // Not `disabled`, which would take the focus away.
    this.act.ariaDisabled = String(isActing);
    this.act.dataset.verb = act?.verb ?? "";
    setText(this.act, (isActing ? act?.now : act?.word) ?? "");
  }

  async #act() {
    const visit = this.#visit;
    const { verb, fails } = ACTS[visit.state];
    if (visit.isActing) return;
    setText(this.problem, "");
    this.#setActing(visit, true);
    try {
      // The same key makes no second job when the first one's answer was lost.
      const key = verb === "retry" ? visit.retryKey : undefined;
      const { status, body } = await ask(`jobs/${visit.id}/${verb}`, { method: "POST", key });
      if (visit !== this.#visit) return;
      if (status === 401) this.refused();
      else if (verb === "retry") location.hash = jobHref(body.id);
      else this.lost();
    } catch (error) {
      if (visit === this.#visit) setText(this.problem, `${fails}: ${error.message}.`);
    } finally {
      this.#setActing(visit, false);
    }
  }

  #setActing(visit, isActing) {
    visit.isActing = isActing;
    if (visit === this.#visit) this.#showAct();
  }
}

/** Returns a new idempotency key; `crypto.randomUUID` is for secure contexts only. */
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
