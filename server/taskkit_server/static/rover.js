/** One tab stop for the many links of a list: the arrow keys go from one to the next. */

const STEPS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

export class Rover {
  #stop = null;

  /** `list`: where the links are; `selector`: which. They come with `tabIndex` -1. */
  constructor(list, selector) {
    Object.assign(this, { list, selector });
    list.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Makes the tab stop the link that has the focus, else the last one. Called after changes. */
  settle() {
    const links = this.list.querySelectorAll(this.selector);
    const focused = document.activeElement;
    const isOurs = this.list.contains(focused) && focused.matches(this.selector);
    this.#move(isOurs ? focused : (links[links.length - 1] ?? null));
  }

  #step(event) {
    if (!(event.key in STEPS) || !event.target.matches(this.selector)) return;
    const links = [...this.list.querySelectorAll(this.selector)];
    const place = links.indexOf(event.target) + STEPS[event.key];
    const link = links[Math.min(links.length - 1, Math.max(0, place))];
    event.preventDefault();
    this.#move(link);
    link.focus();
  }

  #move(link) {
    if (link === this.#stop) return;
    if (this.#stop !== null) this.#stop.tabIndex = -1;
    if (link !== null) link.tabIndex = 0;
    this.#stop = link;
  }
}
