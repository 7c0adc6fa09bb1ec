/** Draws the journal: one element a line, scrolled to the newest unless the reader looks back. */

import { element, setText } from "./dom.js";
import { jobHref } from "./route.js";
import { Rover } from "./rover.js";
import { clock } from "./words.js";

const MARKS = {
  job_submitted: "○",
  attempt_started: "▶",
  output_written: "│",
  attempt_lost: "↻",
  job_succeeded: "✓",
  job_failed: "✗",
  job_cancelled: "⊘",
  worker_joined: "+",
  worker_left: "−",
  note: "·",
};
const NEAR_PX = 24;

export class LogView {
  #elements = new Map();
  #top = 0;
  #drawn = "";
  #isScrolledAway = false;

  constructor({ list, scroll, dropped }) {
    Object.assign(this, { list, scroll, dropped });
    this.links = new Rover(list, "a.id");
    list.addEventListener("scroll", () => this.#notice());
    scroll.addEventListener("change", () => {
      this.#isScrolledAway = false;
      this.#follow();
    });
    new ResizeObserver(() => this.#follow()).observe(list);
  }

  /** Makes the list show `journal`; only what changed is touched. */
  draw(journal) {
    const drawn = `${journal.changes} ${new Date().toDateString()}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    while (this.list.firstChild && this.#elements.get(this.list.firstChild).isDropped) {
      this.#elements.delete(this.list.firstChild);
      this.list.firstChild.remove();
    }
    let next = this.list.firstChild;
    let day = new Date().toDateString();
    for (const line of journal.lines) {
      if (line.element === undefined) {
        line.element = rowOf(line);
        this.#elements.set(line.element, line);
      }
      if (line.element === next) next = next.nextSibling;
      else this.list.insertBefore(line.element, next);
      if (line.drawn !== line.version) {
        setText(line.element.querySelector(".text"), line.text);
        line.drawn = line.version;
      }
      day = markDay(line, day);
    }
    this.links.settle();
    const earlier = journal.dropped.toLocaleString("en");
    const lines = journal.dropped === 1 ? "line" : "lines";
    setText(this.dropped, journal.dropped ? `${earlier} earlier ${lines} dropped` : "");
    this.#follow();
  }

  #follow() {
    if (this.list.clientHeight === 0) return;
    if (this.scroll.checked) this.list.scrollTop = this.list.scrollHeight;
    this.#top = this.list.scrollTop;
  }

  #notice() {
    // While it is hidden it keeps its place.
    if (this.list.clientHeight === 0) return;
    const { scrollTop, scrollHeight, clientHeight } = this.list;
    const isNearEnd = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.scroll.checked && scrollTop < this.#top && !isNearEnd) {
      this.scroll.checked = false;
      this.#isScrolledAway = true;
    } else if (this.#isScrolledAway && isNearEnd) {
      this.scroll.checked = true;
      this.#isScrolledAway = false;
    }
    this.#top = scrollTop;
  }
}

function rowOf(line) {
  const moment = new Date(line.at);
  const time = element("time", "time", clock(moment));
  time.dateTime = moment.toISOString();
  time.title = moment.toLocaleString();
  const mark = element("span", "mark", MARKS[line.kind]);
  mark.setAttribute("aria-hidden", "true");
  const who = element("span", "who");
  who.append(element("span", "name", line.task ?? ""), idOf(line));
  who.title = line.name ?? "";
  const row = element("div", "line");
  row.dataset.kind = line.kind;
  if (line.stream === "stderr") row.dataset.stream = "stderr";
  row.append(time, mark, who, element("span", "text"), element("span", "host", line.host ?? ""));
  return row;
}

function idOf({ log, id = "", name }) {
  if (log !== "jobs" || id === "") return element("span", "id", id);
  const link = element("a", "id", id);
  link.href = jobHref(name);
  link.tabIndex = -1;
  return link;
}

/** Writes the date above the first line of each day but today's, when it begins the list. */
function markDay(line, before) {
  line.day ??= new Date(line.at).toDateString();
  const { day } = line;
  if (day === before) delete line.element.dataset.day;
  else line.element.dataset.day = day;
  return day;
}
