/**
 * A job's page: its panel and its figures, kept up to date, what happened to it, and a button that
 * ends or repeats it.
 */

import { ask, askBody, askHtml } from "./access.js";
import { ACTS, SCOPES, randomKey } from "./acts.js";
import { setText } from "./dom.js";
import { answered, asked, dueIn, failed, heard, unseen } from "./freshness.js";
import { GalleryView } from "./galleryview.js";
import { PanelView } from "./panelview.js";
import { jobHref } from "./route.js";
import { wholeStory } from "./stories.js";
import { StoryView } from "./storyview.js";
import { shortId } from "./words.js";

export class JobView {
  /** What belongs to the job that is looked at: an answer for another one is nobody's. */
  #visit = null;
  #timer = 0;
  #scopes = null;
  #isStoryPending = false;

  /**
   * `root`: the page's element; `refused` is called where the token is not taken. `stories` has
   * what was heard of each job; `now()` is the ledger's time. `share(id)` offers a link to a job.
   */
  constructor(root, { refused, stories, now, share = null }) {
    Object.assign(this, { refused, stories, now });
    this.story = new StoryView(root);
    for (const name of ["title", "act", "problem", "stale", "said"]) {
      this[name] = root.querySelector(`#job-${name}`);
    }
    this.panel = new PanelView(root.querySelector("#job-panel"), (text) => setText(this.said, text));
    this.gallery = new GalleryView(root.querySelector("#job-figures"), refused);
    this.act.addEventListener("click", (event) => {
      // The second of a double click would try again what the first one cancelled.
      if (event.detail < 2) this.#act();
    });
    this.share = root.querySelector("#job-share");
    this.share.addEventListener("click", () => share?.(this.#visit.id));
    document.addEventListener("visibilitychange", () => this.#plan());
  }

  /** Whether links may be made. */
  offerShares(isOffered) {
    this.share.hidden = !isOffered;
  }

  /** What may be done, by the scopes of the token. */
  allow(scopes) {
    this.#scopes = new Set(scopes);
  }

  /** Shows a job from now on, unless it is shown already. */
  open(id) {
    if (this.#visit?.id === id) return;
    const retryKey = randomKey();
    this.#visit = { id, retryKey, fresh: unseen(), state: "", isActing: false, record: null };
    this.gallery.job = id;
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
    this.story.clear();
  }

  /** Takes news of the owner's jobs, of which `stories` knows already. */
  received(events) {
    const news = events.filter((event) => event.job === this.#visit?.id);
    for (const event of news) this.#hear(event.seq);
    if (news.length > 0) this.#tellSoon();
  }

  /** Takes a record of a job of which nothing else is heard. */
  informed(record) {
    if (this.#visit?.id !== record.id) return;
    this.#visit.record = record;
    this.#hear(record.seq);
    this.#tellSoon();
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
    this.#tellSoon();
    document.title = `${(state === "running" && percent) || state} · ${name} · taskkit`;
    if (state === visit.state) return;
    visit.state = state;
    this.#recall(visit);
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

  // What happened

  /** Asks for the record where what was heard does not reach back to the beginning. */
  async #recall(visit) {
    if (wholeStory(this.stories.of(visit.id), null).isWhole) return;
    const record = await askBody(`jobs/${visit.id}`).catch(() => null);
    visit.record = record ?? visit.record;
    this.#tellSoon();
  }

  #tellSoon() {
    if (this.#isStoryPending) return;
    this.#isStoryPending = true;
    requestAnimationFrame(() => {
      this.#isStoryPending = false;
      const visit = this.#visit;
      // Of a job whose panel has not come it is not known whether there is one.
      if (visit === null || visit.state === "") return;
      this.story.show(wholeStory(this.stories.of(visit.id), visit.record), this.now());
    });
  }

  // The button

  #showAct() {
    const { state, isActing } = this.#visit;
    const act = this.#may(ACTS[state]) ? ACTS[state] : undefined;
    if (act === undefined && document.activeElement === this.act) this.title.focus();
    this.act.hidden = act === undefined;
    // Not `disabled`, which would take the focus away.
    this.act.ariaDisabled = String(isActing);
    this.act.dataset.verb = act?.verb ?? "";
    setText(this.act, (isActing ? act?.now : act?.word) ?? "");
  }

  #may(act) {
    return act === undefined || this.#scopes === null || this.#scopes.has(SCOPES[act.verb]);
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
