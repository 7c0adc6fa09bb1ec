/**
 * Which jobs a list shows and in which order; how that is written in the address. Pure.
 *
 * A view is `{states, words, sort}`: the states that are shown (none: all), what is searched for,
 * and the name of an order.
 */

export const STATES = Object.freeze(["queued", "running", "failed", "succeeded", "cancelled"]);

/** The view without a filter. */
export const ALL = Object.freeze({ states: Object.freeze([]), words: "", sort: "newest" });

const IN_STATE_ORDER = ["running", "queued", "failed", "cancelled", "succeeded"];
const letters = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** What is equal in all else stays in its place: nothing in it may change while a job lives. */
const newest = (a, b) => b.createdAt - a.createdAt || b.born - a.born || (a.id < b.id ? 1 : -1);

const ORDERS = {
  newest,
  longest: (a, b) => kindOf(a) - kindOf(b) || LONGEST[kindOf(a)](a, b) || newest(a, b),
  state: (a, b) => rank(a) - rank(b) || newest(a, b),
  name: (a, b) => letters.compare(a.name, b.name) || newest(a, b),
};

/** Running ones first, then those that ran, then those that never did. */
function kindOf({ state, startedAt }) {
  if (state === "running") return 0;
  return startedAt ? 1 : 2;
}

const LONGEST = [
  (a, b) => a.startedAt - b.startedAt,
  (a, b) => took(b) - took(a),
  (a, b) => a.createdAt - b.createdAt,
];

function took({ startedAt, finishedAt }) {
  return finishedAt - startedAt;
}

function rank({ state }) {
  return IN_STATE_ORDER.indexOf(state);
}

/** Returns the rows of `jobs` that a view shows, in its order. */
export function listed(jobs, { states, words, sort }) {
  const isSought = search(words);
  const isShown = (job) => states.length === 0 || states.includes(job.state);
  return [...jobs]
    .filter((job) => job.createdAt > 0 && isShown(job) && isSought(job))
    .sort(ORDERS[sort] ?? newest);
}

/** Returns how many of `jobs` are in each state, of those that are searched for. */
export function counted(jobs, words) {
  const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
  const isSought = search(words);
  for (const job of jobs) if (job.createdAt > 0 && isSought(job)) counts[job.state] += 1;
  return counts;
}

/** Of an id, its beginning is sought, and no less of it: nearly every id has a 2 in it. */
const ID_CHARS = 4;

/** Returns what tells whether a job has all of some words in its name, task or queue, or as its id. */
function search(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return () => true;
  return ({ name, task, queue, id }) => {
    const text = `${name}\n${task}\n${queue}`.toLowerCase();
    const isId = (word) => word.length >= ID_CHARS && id.startsWith(word);
    return wanted.every((word) => text.includes(word) || isId(word));
  };
}

/** Returns the view that a location's hash names; what it does not say is as in `ALL`. */
export function viewIn(hash) {
  const said = new URLSearchParams(/^#\/\?(.*)$/.exec(hash)?.[1] ?? "");
  const states = (said.get("state") ?? "").split(",").filter((state) => STATES.includes(state));
  const sort = said.get("sort") ?? "";
  return { states, words: said.get("q") ?? "", sort: Object.hasOwn(ORDERS, sort) ? sort : ALL.sort };
}

/** Returns the address of a view, within the page. */
export function viewHref({ states, words, sort }) {
  const said = new URLSearchParams();
  if (states.length > 0) said.set("state", states.join(","));
  if (words.trim()) said.set("q", words);
  if (sort !== ALL.sort) said.set("sort", sort);
  const text = said.toString().replaceAll("%2C", ",");
  return text ? `#/?${text}` : "#/";
}
