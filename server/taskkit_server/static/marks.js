/**
 * Hides from a browser, while it parses HTML, what it would complain of, and shows it again.
 *
 * Under a policy that forbids styles and handlers in text, and other bases, browsers complain of
 * them wherever they parse: also of what is removed afterwards. Pure: no DOM.
 */

/** No character, by Unicode's own word (chapter 23.7): free for use within a program. */
const MARK = "\uFDD0";

/** Wherever the name of an attribute may be, whatever is around it; also in texts. */
const NAME = /(?<=[\s/"'])(?=(?:style|on[a-z]+)(?:[\s/>=]|$))/gi;
const TAG = /<(\/?)(style|base)(?=[\s/>]|$)/gi;

/** A tag that is parsed like the one it stands for, and that nobody takes for more than text. */
const INSTEAD = { style: "xmp", base: "wbr" };

/** Returns `html` without what a browser complains of. */
export function marked(html) {
  return html
    .replaceAll(MARK, "")
    .replace(TAG, (_, slash, tag) => `<${slash}${INSTEAD[tag.toLowerCase()]}`)
    .replace(NAME, MARK);
}

/** Returns a text or the value of an attribute as it was. */
export function unmarked(text) {
  return text.replaceAll(MARK, "");
}
