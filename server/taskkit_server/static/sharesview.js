/** The part of the page that lists one's links. */

import { setText } from "./dom.js";
import { ShareList } from "./sharelist.js";

export class SharesView {
  /** `root`: its element; see `ShareList`. */
  constructor(root, { now, refused }) {
    this.none = root.querySelector("#shares-none");
    this.problem = root.querySelector("#shares-problem");
    this.did = root.querySelector("#shares-did");
    this.list = new ShareList(root.querySelector("#shares-list"), {
      now,
      refused,
      told: (words) => {
        setText(this.did, words);
        this.#look();
      },
      failed: (error) => setText(this.problem, `Cannot be listed or revoked: ${error.message}.`),
    });
    this.list.clear();
  }

  /** Shows what there is now. */
  open() {
    setText(this.did, "");
    this.#look();
  }

  async #look() {
    setText(this.problem, "");
    this.none.hidden = (await this.list.look()) !== 0;
  }
}
