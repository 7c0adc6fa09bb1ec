/** Shows a panel in the page as notebooks show it, and changes no more of it than differs. */

import { setText } from "./dom.js";
import { figuresIn } from "./figures.js";
import { fragment } from "./fragment.js";
import { morph } from "./morph.js";

const COPIED_MS = 1_500;

export class PanelView {
  #sheet = null;

  /** `root`: where it is shown; `say` tells something to screen readers. */
  constructor(root, say) {
    Object.assign(this, { root, say });
    root.addEventListener("click", (event) => {
      const button = event.target.closest(".tk-copy");
      if (button !== null) this.#copy(button);
    });
    followTheme(root);
  }

  /** Loads the style sheet of panels, once; throws where it does not come. */
  async dress() {
    this.#sheet ??= loaded("static/panels.css");
    try {
      await this.#sheet;
    } catch (error) {
      this.#sheet = null;
      throw error;
    }
  }

  /**
   * Shows what the server rendered; returns what it says: `{state, seq, tickMs, name, percent,
   * figures}`.
   */
  draw(html) {
    const drawn = fragment(html);
    const { state, seq, tickMs = Infinity } = drawn.dataset;
    const figures = figuresIn(drawn.dataset);
    if (this.root.firstChild) morph(this.root.firstChild, drawn);
    else this.root.append(drawn);
    return {
      state,
      seq: Number(seq),
      tickMs: Number(tickMs),
      name: this.root.querySelector(".tk-name").textContent,
      percent: this.root.querySelector(".tk-percent")?.textContent ?? "",
      figures,
    };
  }

  /** Shows nothing any more. */
  clear() {
    this.root.replaceChildren();
  }

  async #copy(button) {
    const id = button.title;
    try {
      await navigator.clipboard.writeText(id);
    } catch {
      // A page that came neither by HTTPS nor from this machine has no clipboard.
      prompt("The id of this job:", id);
      return;
    }
    setText(button, "copied");
    this.say("The id is copied.");
    setTimeout(() => setText(button, "copy id"), COPIED_MS);
  }
}

function loaded(path) {
  return new Promise((settle, fail) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(path, document.baseURI);
    link.addEventListener("load", settle);
    link.addEventListener("error", () => {
      link.remove();
      fail(new Error("the style sheet of panels does not come"));
    });
    // Before the page's own, which have the last word.
    document.head.prepend(link);
  });
}

/** Tells panels, as JupyterLab does, whether the page is dark. */
function followTheme(root) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => (root.dataset.jpThemeLight = String(!dark.matches));
  dark.addEventListener("change", tell);
  tell();
}
