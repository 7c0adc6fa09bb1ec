/** HTML that a job displays, as elements that can only be read. */

import { marked, unmarked } from "./marks.js";
import purify from "./vendor/purify.es.js";

const LINKS = /^(?:https?|mailto):/i;
const PICTURES = /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i;

const TEXT =
  "a abbr address article aside b bdi bdo blockquote br cite code dd del dfn div dl dt em " +
  "figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark ol p pre q rp rt ruby s " +
  "samp section small span strong sub sup time u ul var wbr details summary";
const TABLES = "table caption colgroup col thead tbody tfoot tr th td";

const RULES = {
  ALLOWED_TAGS: `${TEXT} ${TABLES}`.split(" "),
  ALLOWED_ATTR: "alt colspan dir height href lang open rowspan scope span src start title width".split(" "),
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/**
 * Returns what of `html` may be shown, or null where that is nothing.
 *
 * Nothing in it runs, is loaded from elsewhere, looks other than the page's style sheets say, or
 * goes by a name that something else has.
 */
export function harmless(html) {
  const made = purify.sanitize(marked(html), RULES);
  const texts = document.createTreeWalker(made, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = unmarked(texts.currentNode.data);
  for (const one of made.querySelectorAll("*")) {
    for (const attribute of one.attributes) attribute.value = unmarked(attribute.value);
  }
  for (const link of made.querySelectorAll("[href]")) confineLink(link);
  for (const picture of made.querySelectorAll("img")) confinePicture(picture);
  for (const table of made.querySelectorAll("table")) table.className = "dataframe";
  return made.textContent.trim() || made.querySelector("img") ? made : null;
}

function confineLink(link) {
  if (link.localName === "a" && LINKS.test(link.getAttribute("href"))) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  } else {
    link.removeAttribute("href");
  }
}

function confinePicture(picture) {
  if (!PICTURES.test(picture.getAttribute("src") ?? "")) picture.replaceWith(picture.alt);
  else if (!picture.hasAttribute("alt")) picture.alt = "";
}
