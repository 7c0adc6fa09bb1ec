/**
 * What a job displays, as the page shows it: `taskkit/panels/displayed.py` for notebooks.
 *
 * Pure: no DOM, no clock, no network. A figure is `{name, media_type, size_bytes, digest, inline,
 * text}`; what it is comes as bytes: none at all where that is not to be had, null where it is not
 * here yet.
 */

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"]);
const WORDS_CHARS = 300;
const LINES_CHARS = 20_000;
const PIECE_BYTES = 0x8000;

/** Returns the figures that the element around a panel tells of. */
export function figuresIn({ figures = "[]" }) {
  return JSON.parse(figures);
}

/** Returns what a figure is where that came with it or was not kept, undefined for a blob. */
export function broughtAlong({ inline, digest }) {
  if (inline !== null) return Uint8Array.from(atob(inline), (char) => char.charCodeAt(0));
  return digest === null ? new Uint8Array() : undefined;
}

/** Returns a figure's name, or nothing where the job gave it none. */
export function caption({ name }) {
  return /^\p{Nd}+$/u.test(name) ? "" : clip(name);
}

/**
 * Returns how a figure is shown: `{as, text}`, an image also with its `source`.
 *
 * `as` is `words` for a remark in its place, else `image`, `html`, `formula` or `lines`.
 */
export function content(figure, bytes) {
  const { media_type: type, size_bytes: size } = figure;
  const text = clip(figure.text);
  if (bytes === null) return { as: "words", text: `${text} is on its way …` };
  if (bytes.length === 0 && size > 0) return { as: "words", text: `${text} is not here any more` };
  if (IMAGES.has(type)) return { as: "image", text, source: `data:${type};base64,${base64(bytes)}` };
  const written = new TextDecoder().decode(bytes);
  if (type === "text/html") return { as: "html", text: written };
  if (type === "text/latex") return { as: "formula", text: written };
  return { as: "lines", text: clipped(written, LINES_CHARS) };
}

/** Returns the words for HTML of which nothing may be shown: the notebook takes it as it is. */
export function withheld(figure) {
  return { as: "words", text: `${clip(figure.text)} is shown in the notebook only` };
}

function clip(text) {
  return clipped(text.split(/\s+/).filter(Boolean).join(" "), WORDS_CHARS);
}

function clipped(text, chars) {
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}

function base64(bytes) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES)));
  }
  return btoa(pieces.join(""));
}
