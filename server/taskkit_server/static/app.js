/** The page at `/`: the jobs and what happens to them, live, with the past; workers; each job. */

import { BASE, ask, askBody, token } from "./access.js";
import { randomKey } from "./acts.js";
import { Archive } from "./archive.js";
import { START } from "./client/cursor.js";
import { Feed } from "./client/feed.js";
import { element, setText } from "./dom.js";
import { fold } from "./events.js";
import { FirstSteps } from "./firststeps.js";
import { FleetView } from "./fleetview.js";
import { JobView } from "./jobview.js";
import { JobsView } from "./jobsview.js";
import { Journal } from "./journal.js";
import { LogView } from "./logview.js";
import { jobHref, jobIn, partIn } from "./route.js";
import { emptyRows, setWorkers } from "./rows.js";
import { ShareDialog } from "./sharedialog.js";
import { SharesView } from "./sharesview.js";
import { SignIn, lackOf, leave, refusalOf } from "./signin.js";
import { Stories } from "./stories.js";
import { Totals } from "./totals.js";
import { io } from "./vendor/socket.io.esm.min.js";
import { shortId } from "./words.js";

const LINES = 2_000;
const RETRY_MS = 2_000;
const LOGS = ["jobs", "workers"];
/** The owner of a stack that somebody started for himself. */
const LOCAL = "local";
const PARTS = { jobs: "stack", workers: "crew", shares: "shares", job: "job" };
const TITLES = { jobs: "taskkit", workers: "workers · taskkit", shares: "links · taskkit" };

const get = (id) => document.getElementById(id);
const rows = emptyRows();
const stories = new Stories();
const journal = new Journal(LINES);
const retryKeys = new Map();
const replaying = new Set(LOGS);
const behindGap = new Set();
let settled = Promise.resolve();
let feed = null;
let isSignedIn = false;
let leftAt = null;
let skew = 0;
let isDrawPending = false;

const archive = new Archive({
  ask: asked,
  rows,
  changed: draw,
  failed: (error) => note(`cannot load older jobs: ${error.message}`),
});
const totals = new Totals({ ask: asked, changed: () => jobsView.showCounts() });
const jobsView = new JobsView(get("stack"), { rows, archive, totals, now, act, opened });
const logView = new LogView({ list: get("log"), scroll: get("scroll"), dropped: get("dropped") });
const fleetView = new FleetView(get("crew"), { ask: asked, rows, now });
const shareDialog = new ShareDialog(get("share"), { refused, now });
const sharesView = new SharesView(get("shares"), { refused, now });
const share = (id) => shareDialog.open(id);
const jobView = new JobView(get("job"), { refused, stories, now, share });
const signIn = new SignIn(get("sign-in"), () => {
  // Another token may be another user: nothing of the former one's may stay.
  if (feed) location.reload();
  else begin();
});
const firstSteps = new FirstSteps(get("stack"));

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
  const why = hello.status === 401 ? refusalOf(hello.body) : lackOf(hello.body);
  if (hello.status === 401 || why !== null) {
    askForToken(why);
    return;
  }
  // Only a clock that is really wrong is corrected: the header's time is in whole seconds.
  const ahead = hello.at - Date.now();
  skew = Math.abs(ahead) > 2_000 ? ahead : 0;
  enter(hello.body);
}

function enter({ owner = "", scopes = [], logs = {}, is_open: isOpen = false }) {
  setText(get("owner"), owner);
  jobsView.allow(scopes);
  jobView.allow(scopes);
  // On an open stack whoever is there sees the jobs of its owner anyway.
  const isSharer = scopes.includes("read") && scopes.includes("submit") && !(isOpen && owner === LOCAL);
  jobView.offerShares(isSharer);
  get("to-shares").hidden = !isSharer;
  get("try").hidden = !scopes.includes("submit");
  get("sign-out").hidden = token() === null;
  get("sign-out").title = `Signed in as ${owner}`;
  isSignedIn = true;
  firstSteps.write();
  signIn.close();
  show();
  const heads = Object.fromEntries(LOGS.map((log) => [log, logs[log]?.seq ?? 0]));
  const cursors = Object.fromEntries(LOGS.map((log) => [log, START]));
  feed ??= new Feed({ io, base: BASE, token, cursors, heads, told });
  feed.open();
  archive.more();
}

function askForToken(why) {
  if (feed !== null) {
    leave("You were signed out: your token was revoked or has expired.");
    return;
  }
  connection("refused", "Not signed in");
  isSignedIn = false;
  show();
  signIn.ask(why);
}

function refused() {
  askForToken(null);
}

/** Asks for a body; who may not ask is asked for a token. */
async function asked(path) {
  try {
    return await askBody(path);
  } catch (error) {
    if (error.status === 401) refused();
    throw error;
  }
}

/** Does something to a job. The same key makes no second job when an answer was lost. */
async function act(verb, id) {
  if (!retryKeys.has(id)) retryKeys.set(id, randomKey());
  const key = verb === "retry" ? retryKeys.get(id) : undefined;
  const { status } = await ask(`jobs/${id}/${verb}`, { method: "POST", key });
  if (status === 401) refused();
  // Who asks again, later, wants one more.
  retryKeys.delete(id);
}

// What is shown

/** Shows the part of the page that the address names, to whom may see it. */
function show() {
  const part = isSignedIn ? partIn(location.hash) : null;
  for (const [name, id] of Object.entries(PARTS)) get(id).hidden = name !== part;
  get("parts").hidden = part === null;
  for (const link of get("parts").children) {
    if (link.id === `to-${part}`) link.ariaCurrent = "page";
    else link.ariaCurrent = null;
  }
  if (part === "job") {
    jobView.open(jobIn(location.hash));
    return;
  }
  jobView.close();
  shareDialog.close();
  document.title = TITLES[part] ?? "taskkit";
  if (part === "jobs") {
    jobsView.open(location.hash);
    get("to-jobs").href = get("back").href = jobsView.href;
  }
  if (part === "workers") fleetView.look();
  if (part === "shares") sharesView.open();
  draw();
}

/** Follows a link within the page, and takes the focus along. */
function go() {
  if (!get("stack").hidden) leftAt = placeOf(document.activeElement);
  show();
  if (!get("job").hidden) jobView.title.focus();
  else if (!get("stack").hidden) leftAt?.();
}

/** Returns what gives the focus back: rows come and go, and with them what had it. */
function placeOf(focused) {
  if (get("jobs").contains(focused)) return () => jobsView.focus();
  return () => focused.isConnected && focused.focus({ preventScroll: true });
}

function opened(id) {
  location.hash = jobHref(id);
}

/** What the feed tells. */
const told = {
  opened() {
    // What did not come while the server was away may come now.
    archive.renew();
    connection("open", "WebSocket is connected.");
    note("WebSocket is connected.");
  },

  closed(reason) {
    const text = `Reconnecting (${reason}) …`;
    if (get("connection").dataset.state === "open") note(text);
    connection("waiting", text);
  },

  refused({ message }) {
    connection("waiting", `Reconnecting (${message}) …`);
    setTimeout(begin, RETRY_MS);
  },

  // One after the other: what comes after a gap waits until the snapshot below it is there.
  received(log, events, isLive) {
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
  for (const event of events) {
    fold(rows, event).forEach((line) => journal.put(line));
    if (log === "jobs") stories.add(event);
  }
  if (log === "jobs") jobView.received(events);
  else fleetView.received(events);
  if (isLive) replaying.delete(log);
  if (isLive && log === "jobs") archive.complete();
  draw();
}

async function reload(log) {
  behindGap.add(log);
  try {
    if (log === "jobs") {
      stories.clear();
      await archive.restart();
    } else {
      setWorkers(rows, (await asked("workers")).workers);
    }
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
    fleetView.draw();
    if (get("stack").hidden) return;
    // Screen readers are not read the whole past.
    get("log").ariaBusy = String(replaying.size > 0);
    get("log").ariaLive = replaying.size > 0 ? "off" : "polite";
    jobsView.draw();
    logView.draw(journal);
  });
}

// The forms

get("sign-out").addEventListener("click", () => leave());

get("try").addEventListener("submit", async (event) => {
  event.preventDefault();
  setText(get("tried"), "");
  try {
    const { status, body } = await ask("tasks", { method: "POST", json: { name: get("name").value } });
    if (status === 401) refused();
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

setInterval(draw, 1_000);

begin();
