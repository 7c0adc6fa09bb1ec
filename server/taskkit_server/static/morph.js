/**
 * Makes elements like others and touches no more than differs, so that what the reader did stays:
 * what was opened, scrolled to, selected or focused.
 */

/** Makes `old`, in the document, like `wanted`, which is used up. */
export function morph(old, wanted) {
  if (kind(old) !== kind(wanted)) {
    old.replaceWith(wanted);
  } else if (old.nodeType === Node.ELEMENT_NODE) {
    morphAttributes(old, wanted);
    morphChildren(old, wanted);
  } else if (old.data !== wanted.data) {
    old.data = wanted.data;
  }
}

/** Returns what two nodes share that stand for the same thing. */
function kind(node) {
  return node.nodeType === Node.ELEMENT_NODE
    ? `${node.localName} ${node.getAttribute("class") ?? ""}`
    : node.nodeName;
}

function morphAttributes(old, wanted) {
  for (const { name, value } of wanted.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of old.getAttributeNames()) {
    // Whether it is open is the reader's affair.
    const isReaders = name === "open" && old.localName === "details";
    if (name !== "style" && !isReaders && !wanted.hasAttribute(name)) old.removeAttribute(name);
  }
  // The policy allows a style that is set, not an attribute that is.
  const { cssText } = wanted.style;
  if (old.style.cssText !== cssText) old.style.cssText = cssText;
}

function morphChildren(old, wanted) {
  let next = old.firstChild;
  for (const child of [...wanted.childNodes]) {
    const same = firstLike(child, next);
    if (same === null) {
      old.insertBefore(child, next);
      continue;
    }
    while (next !== same) next = dropped(next);
    next = same.nextSibling;
    morph(same, child);
  }
  while (next !== null) next = dropped(next);
}

function firstLike(wanted, from) {
  let node = from;
  while (node !== null && kind(node) !== kind(wanted)) node = node.nextSibling;
  return node;
}

function dropped(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}
