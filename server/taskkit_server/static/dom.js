/** Elements, made and changed no more than needed. Text is always text, never HTML. */

/** Returns a new element. */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Sets the text of an element; the same text again does not disturb a reader or a selection. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
