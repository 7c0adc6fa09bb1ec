/** What a job printed, as lines. */

const LINE_CHARS = 2_000;
const OPEN_CHARS = 10_000;
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/**
 * Adds `text`, written at `at`, to the line that its stream left open (undefined: none).
 *
 * Returns `{lines, open}`: the lines it touched, each `{key, at, raw}`, and the one it left open.
 * A line keeps its key and its time while it grows. One that grows without end is closed, so that
 * the page can stay open beside a job that only prints dots.
 */
export function write(open, text, at, key) {
  const begun = open ?? { key: `${key} 0`, at, raw: "" };
  const lines = (begun.raw + text).split(/\r?\n/).map((raw, index) => {
    return index === 0 ? { ...begun, raw } : { key: `${key} ${index}`, at, raw };
  });
  const last = lines[lines.length - 1];
  if (last.raw === "") return { lines: lines.slice(0, -1), open: undefined };
  if (last.raw.length > OPEN_CHARS) return { lines, open: undefined };
  return { lines, open: { ...last, raw: withoutOverdrawn(last.raw) } };
}

/**
 * Returns a raw line as it is shown: colours and controls gone, what was drawn over left out.
 *
 * A carriage return begins the line anew, so a bar that redraws itself stays one line.
 */
export function shown(raw) {
  const drawn = withoutOverdrawn(raw).replace(ESCAPES, "").replace(CONTROLS, "");
  if (drawn.length <= LINE_CHARS) return drawn;
  const more = (drawn.length - LINE_CHARS).toLocaleString("en");
  return `${drawn.slice(0, LINE_CHARS)} … (${more} more characters)`;
}

function withoutOverdrawn(raw) {
  // A carriage return at the very end has not drawn over anything yet.
  let end = raw.length;
  while (end > 0 && raw[end - 1] === "\r") end -= 1;
  const from = raw.slice(0, end).lastIndexOf("\r");
  return from < 0 ? raw : raw.slice(from);
}
