/** A piece of HTML that the server rendered, as elements that the page's policy allows. */

const TAG = /<([a-z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^"'>])*)>/gi;
const ATTRIBUTE = /([^/\s=>"']+)(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]*))?/g;
const INLINE = /^(style$|on)/i;
const NEVER = "script, style, link, base, meta, iframe, object, embed";

/**
 * Returns the first element of `html`, for the document.
 *
 * The policy forbids styles and handlers in text, and browsers complain of them while they parse,
 * also apart from the document. So styles come by another name and are set by script, which the
 * policy allows; what would run is dropped, though the server escapes whatever users write.
 */
export function fragment(html) {
  const made = new DOMParser().parseFromString(renamed(html), "text/html").body.firstElementChild;
  for (const one of made.querySelectorAll(NEVER)) one.remove();
  for (const one of [made, ...made.querySelectorAll("*")]) confine(one);
  return document.adoptNode(made);
}

/** Returns `html` with `data-style` for each `style` and `data-on…` for each handler of a tag. */
export function renamed(html) {
  return html.replace(TAG, (_, tag, attributes) => {
    const allowed = attributes.replace(ATTRIBUTE, (whole, name) => {
      return INLINE.test(name) ? `data-${whole}` : whole;
    });
    return `<${tag}${allowed}>`;
  });
}

function confine(one) {
  const style = one.dataset.style ?? "";
  for (const name of one.getAttributeNames()) {
    if (/^(data-)?(style$|on)/.test(name)) one.removeAttribute(name);
  }
  if (style) one.style.cssText = style;
}
