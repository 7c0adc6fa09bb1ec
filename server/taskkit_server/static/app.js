/** The page at `/`: what happens on the stack, live, with the past; and each job. */

import { ask, keepToken, records, token } from "./access.js";
import { element, setText } from "./dom.js";
import { fold } from "./events.js";
import { Feed } from "./feed.js";
import { JobView } from "./jobview.js";
import { Journal } from "./journal.js";
import { LogView } from "./logview.js";
import { jobHref, jobIn } from "./route.js";
import { emptyRows, setJobs, setWorkers } from "./rows.js";
import { StackView } from "./stackview.js";
import { shortId } from "./words.js";

const LINES = 2_000;
const RETRY_MS = 2_000;
const LOGS = ["jobs", "workers"];

const get = (id) => document.getElementById(id);
const rows = emptyRows();
const journal = new Journal(LINES);
const logView = new LogView({ list: get("log"), scroll: get("scroll"), dropped: get("dropped") });
const stackView = new StackView({
  workers: get("workers"),
  body: get("running").querySelector("tbody"),
  more: get("running-more"),
  counts: get("running-count"),
});
const jobView = new JobView(get("job"), askForToken);
const replaying = new Set(LOGS);
const behindGap = new Set();
let settled = Promise.resolve();
let feed = null;
let isSignedIn = false;
let leftAt = null;
let skew = 0;
let isDrawPending = false;

/** Finds out whether this reader may read, then follows the logs, or asks for a token. */
async function begin() {
  let hello;
  try {
    hello = await ask("hello");
  } catch (error) {
    connection("waiting", `Reconnecting (${error.message}) …`);
    setTimeout(begin, RETRY_MS);
    return;
  }
  if (hello.status === 401) {
    askForToken();
    return;
  }
  // Only a clock that is really wrong is corrected: the header's time is in whole seconds.
  const ahead = hello.at - Date.now();
  skew = Math.abs(ahead) > 2_000 ? ahead : 0;
  setText(get("owner"), hello.body.owner ?? "");
  isSignedIn = true;
  get("sign-in").hidden = true;
  show();
  const base = new URL(document.baseURI);
  const heads = Object.fromEntries(LOGS.map((log) => [log, hello.body.logs?.[log]?.seq ?? 0]));
  feed ??= new Feed({ base, token: token(), heads, told });
  feed.open();
}

function askForToken() {
  connection("refused", "Not signed in");
  const isWrong = token() !== null;
  keepToken(null);
  isSignedIn = false;
  show();
  get("sign-in").hidden = false;
  setText(get("sign-in-problem"), isWrong ? "That token is not accepted." : "");
  get("token").value = "";
  get("token").focus();
}

/** Shows the stack, or the job that the address names, to whom may see it. */
function show() {
  const id = isSignedIn ? jobIn(location.hash) : null;
  get("stack").hidden = !isSignedIn || id !== null;
  get("job").hidden = id === null;
  if (id !== null) {
    jobView.open(id);
    return;
  }
  jobView.close();
  document.title = "taskkit";
  draw();
}

/** Follows a link within the page, and takes the focus along. */
function go() {
  if (!get("stack").hidden) leftAt = document.activeElement;
  show();
  if (!get("job").hidden) jobView.title.focus();
  else if (leftAt?.isConnected) leftAt.focus({ preventScroll: true });
}

/** What the feed tells. */
const told = {
  opened() {
    connection("open", "WebSocket is connected.");
    note("WebSocket is connected.");
  },

  closed(reason) {
    const text = `Reconnecting (${reason}) …`;
    if (get("connection").dataset.state === "open") note(text);
    connection("waiting", text);
  },

  refused(why) {
    connection("waiting", `Reconnecting (${why}) …`);
    setTimeout(begin, RETRY_MS);
  },

  // One after the other: what comes after a gap waits until the snapshot below it is there.
  received(log, events, isLive) {
    if (log === "jobs") jobView.received(events);
    settled = settled.then(() => take(log, events, isLive));
  },

  lost(log) {
    if (log === "jobs") jobView.lost();
    settled = settled.then(() => reload(log));
  },
};

function take(log, events, isLive) {
  if (behindGap.has(log) && (events.length > 0 || isLive)) {
    behindGap.delete(log);
    const at = events[0]?.at ?? now();
    const time = new Date(at).toLocaleString();
    note(`resynchronised: events before ${time} are no longer in the log`, { log, at });
  }
  for (const event of events) fold(rows, event).forEach((line) => journal.put(line));
  if (isLive) replaying.delete(log);
  draw();
}

async function reload(log) {
  behindGap.add(log);
  try {
    if (log === "jobs") setJobs(rows, await records());
    else setWorkers(rows, (await ask("workers")).body.workers);
  } catch (error) {
    note(`cannot load the present state: ${error.message}; reload the page to try again`);
  }
}

/** Returns the ledger's time, in ms, as well as this page knows it. */
function now() {
  return Date.now() + skew;
}

function connection(state, text) {
  get("connection").dataset.state = state;
  setText(get("connection"), text);
}

function note(text, { log = "page", at = now() } = {}) {
  journal.put({ key: `note ${at} ${text}`, log, at, kind: "note", text });
  draw();
}

/** Draws soon, once for all that came meanwhile. */
function draw() {
  if (isDrawPending) return;
  isDrawPending = true;
  requestAnimationFrame(() => {
    isDrawPending = false;
    if (get("stack").hidden) return;
    // Screen readers are not read the whole past.
    get("log").ariaBusy = String(replaying.size > 0);
    get("log").ariaLive = replaying.size > 0 ? "off" : "polite";
    logView.draw(journal);
    stackView.draw(rows, now());
  });
}

get("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(get("token").value.trim());
  // Another token may be another user: nothing of the former one's may stay.
  if (feed) location.reload();
  else begin();
});

get("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  setText(get("tried"), "");
  try {
    const { status, body } = await ask("tasks", { method: "POST", json: { name: get("name").value } });
    if (status === 401) askForToken();
    else showCreated(body.data.task.id);
  } catch (error) {
    setText(get("tried"), `not created: ${error.message}`);
  }
});

function showCreated(id) {
  const link = element("a", "id", shortId(id));
  link.href = jobHref(id);
  get("tried").replaceChildren("created ", link);
}

window.addEventListener("hashchange", go);

setInterval(() => {
  if (rows.jobs.size > 0 && !get("stack").hidden) stackView.draw(rows, now());
}, 1_000);

begin();
