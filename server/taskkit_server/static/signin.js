/** The form that asks for a token, and what it says of one that is not taken. */

import { BASE, keepToken, token } from "./access.js";
import { setText } from "./dom.js";

const WHY = `taskkit.refused ${BASE.pathname}`;

export class SignIn {
  /** `root`: its element; `given()` is called when there is a token. */
  constructor(root, given) {
    this.root = root;
    this.field = root.querySelector("#token");
    this.problem = root.querySelector("#sign-in-problem");
    root.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = this.field.value.trim();
      if (value === "") return;
      keepToken(value);
      given();
    });
  }

  /** Asks for a token; `why` the one that was given is not taken. */
  ask(why) {
    const said = why ?? sessionStorage.getItem(WHY) ?? "";
    sessionStorage.removeItem(WHY);
    keepToken(null);
    this.root.hidden = false;
    setText(this.problem, said);
    this.field.ariaInvalid = String(said !== "");
    this.field.value = "";
    this.field.focus();
  }

  close() {
    this.root.hidden = true;
    this.field.value = "";
  }
}

/** Returns why a token is not taken: by the server's words, where it has some. */
export function refusalOf({ detail }) {
  if (token() === null) return null;
  if (/expired/.test(detail ?? "")) return "That token has expired. Ask whoever runs the server for another.";
  return "That token is not accepted. It is mistyped, of another server, or was revoked.";
}

/** Returns why a token that is taken is of no use here, or null. */
export function lackOf({ owner, scopes }) {
  if (scopes === undefined || scopes.includes("read")) return null;
  const allowed = scopes.length > 0 ? `allows to ${scopes.join(", ")} only` : "allows nothing";
  return `That token of ${owner} ${allowed}; this page needs one with the scope read.`;
}

/** Leaves: forgets the token and all that was shown; `why`: the server takes it no more. */
export function leave(why = null) {
  keepToken(null);
  if (why !== null) sessionStorage.setItem(WHY, why);
  // What was searched for is not for whoever comes next; the job, after an expiry, is.
  else history.replaceState(null, "", BASE);
  location.reload();
}
