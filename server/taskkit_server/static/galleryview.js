/** Shows what a job displays, below its panel: one element a figure, changed only if it changed. */

import { askBytes } from "./access.js";
import { BlobQueue } from "./blobqueue.js";
import { element, place, setText } from "./dom.js";
import { broughtAlong, caption, content, withheld } from "./figures.js";
import { harmless } from "./harmless.js";

export class GalleryView {
  #elements = new Map();
  /** By name: the figure that is wanted, in JSON, and whether it is this one that is shown. */
  #wanted = new Map();

  /** The id of the job whose figures they are. */
  job = "";

  /** `root`: where they are shown; `refused` is called where the token is not taken. */
  constructor(root, refused) {
    Object.assign(this, { root, refused });
    this.queue = new BlobQueue({
      ask: (digest, signal) => this.#ask(digest, signal),
      came: (figure, bytes) => this.#take(figure, bytes),
      isHidden: () => document.hidden,
    });
    document.addEventListener("visibilitychange", () => this.queue.next());
    new ResizeObserver(() => this.#settle()).observe(root);
  }

  /** Shows these figures and no others; what is not here yet leaves what was there. */
  show(figures) {
    const items = figures.map((figure) => [figure.name, figure]);
    place(this.root, this.#elements, items, framed, (_, figure) => this.#want(figure));
    for (const name of this.#wanted.keys()) if (!this.#elements.has(name)) this.#forget(name);
    this.queue.next();
  }

  /** Shows nothing any more. */
  clear() {
    this.queue.clear();
    this.show([]);
  }

  #want(figure) {
    const said = JSON.stringify(figure);
    if (this.#wanted.get(figure.name)?.said === said) return;
    const isNew = !this.#wanted.has(figure.name);
    this.#wanted.set(figure.name, { said, isShown: false });
    const bytes = broughtAlong(figure);
    if (bytes === undefined) {
      this.queue.want(figure);
      if (isNew) this.#draw(figure, null);
    } else {
      this.queue.drop(figure.name);
      this.#take(figure, bytes);
    }
  }

  #forget(name) {
    this.#wanted.delete(name);
    this.queue.drop(name);
  }

  async #ask(digest, signal) {
    const { status, bytes } = await askBytes(`blobs/${digest}?job=${this.job}`, signal);
    if (status !== 401) return bytes;
    this.refused();
    throw new Error("not signed in");
  }

  /** One that comes late is better than none, but not than what came after it. */
  #take(figure, bytes) {
    const wanted = this.#wanted.get(figure.name);
    if (wanted === undefined || wanted.isShown) return;
    this.#draw(figure, bytes);
    wanted.isShown = wanted.said === JSON.stringify(figure);
  }

  #draw(figure, bytes) {
    const frame = this.#elements.get(figure.name);
    const shown = content(figure, bytes);
    if (shown.as === "html") {
      const made = harmless(shown.text);
      draw(frame, made === null ? withheld(figure) : { as: "html", made });
    } else {
      draw(frame, shown);
    }
    this.#settle();
  }

  /** Makes a stop for the keyboard of each figure that has to be scrolled. */
  #settle() {
    for (const frame of this.#elements.values()) {
      if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
      else frame.removeAttribute("tabindex");
    }
  }
}

const TAGS = { words: "div", image: "img", html: "div", formula: "div", lines: "pre" };
const LOOKS = { words: "tk-quiet", html: "tk-html", lines: "tk-lines" };

/** Returns the element of a figure, in which there is nothing yet. */
function framed(figure) {
  const frame = element("figure", "tk-figure");
  const name = caption(figure);
  if (name) frame.append(element("figcaption", "", name));
  else frame.ariaLabel = `figure ${figure.name}`;
  frame.append(element("div"));
  return frame;
}

/** Makes the last element of a figure's show `content`, by changing it where it is of that kind. */
function draw(frame, { as, text, source, made }) {
  let inner = frame.lastElementChild;
  if (inner.dataset.as !== as) {
    inner.replaceWith(element(TAGS[as], LOOKS[as]));
    inner = frame.lastElementChild;
    inner.dataset.as = as;
  }
  if (as === "html") {
    inner.replaceChildren(made);
  } else if (as === "image") {
    inner.alt = text;
    // Browsers go on showing the former picture until they have the new one ready.
    if (inner.src !== source) inner.src = source;
  } else {
    setText(inner, text);
  }
}
