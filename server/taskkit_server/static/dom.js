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

/** Makes the children of `parent` those of `items` (`[key, value]`, in order), reusing elements. */
export function place(parent, elements, items, make, update) {
  const keys = new Set(items.map(([key]) => key));
  for (const [key, old] of elements) {
    if (keys.has(key)) continue;
    old.remove();
    elements.delete(key);
  }
  let next = parent.firstChild;
  for (const [key, value] of items) {
    if (!elements.has(key)) elements.set(key, make(value));
    const child = elements.get(key);
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
    update(child, value);
  }
}
