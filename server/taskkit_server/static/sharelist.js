/** A list of one's links: what each shows, until when, when it was last used, and how to end it. */

import { ask, askBody } from "./access.js";
import { element, place, setText } from "./dom.js";
import { jobHref } from "./route.js";
import { count, moment, shortId } from "./words.js";

const MOST_SHOWN = 3;

export class ShareList {
  #items = new Map();
  #shares = [];

  /**
   * `list`: its element. `told(words)` is called when something was done, `failed(error)` when it
   * was not; `shows(share)` says which are listed. `now()` is the ledger's time.
   */
  constructor(list, { told, failed, now, shows = () => true, refused }) {
    Object.assign(this, { list, told, failed, now, shows, refused });
    list.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button !== null) this.#revoke(button.value);
    });
  }

  /** Asks anew; returns how many are listed, or null where that is not known. */
  async look() {
    try {
      const { shares } = await askBody("shares");
      this.#shares = shares.filter((share) => this.shows(share)).reverse();
    } catch (error) {
      if (error.status === 401) this.refused();
      else this.failed(error);
      return null;
    }
    this.#draw();
    return this.#shares.length;
  }

  clear() {
    this.#shares = [];
    this.#draw();
  }

  #draw() {
    const items = this.#shares.map((share) => [share.id, share]);
    place(this.list, this.#items, items, made, (item, share) => fill(item, share, this.now()));
    this.list.hidden = items.length === 0;
  }

  async #revoke(id) {
    try {
      const { status } = await ask(`shares/${id}`, { method: "DELETE" });
      if (status === 401) this.refused();
    } catch (error) {
      // One that is gone is as it should be.
      if (error.status !== 404) {
        this.failed(error);
        return;
      }
    }
    this.told("The link is revoked: it shows nothing any more.");
    await this.look();
  }
}

function made(share) {
  const item = element("li");
  const jobs = element("span", "jobs");
  for (const id of share.jobs.slice(0, MOST_SHOWN)) {
    const link = element("a", "id", shortId(id));
    link.href = jobHref(id);
    jobs.append(link, " ");
  }
  const more = share.jobs.length - MOST_SHOWN;
  if (more > 0) jobs.append(`and ${more.toLocaleString("en")} more`);
  const button = element("button", "plain", "Revoke");
  button.type = "button";
  button.value = share.id;
  const words = share.note || count(share.jobs.length, "job", "jobs");
  button.ariaLabel = `Revoke the link ${share.id}: ${words}`;
  item.append(jobs, element("span", "note", share.note), element("span", "times"), button);
  return item;
}

function fill(item, share, now) {
  const until = Date.parse(share.expires_at);
  const ends = `${until <= now ? "ended" : "until"} ${moment(until, now)}`;
  const used = share.used_at ? `last used ${moment(Date.parse(share.used_at), now)}` : "not used yet";
  setText(item.querySelector(".times"), `${ends}, ${used}`);
  item.dataset.isOver = String(until <= now);
}
