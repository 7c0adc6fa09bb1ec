/**
 * What a link shows: some jobs of somebody's, live, and nothing to change them by.
 *
 * There is no WebSocket for it: that tells of all jobs of a user. So the page looks, every second
 * while something goes on.
 */

import { askChanged, token } from "./access.js";
import { setText } from "./dom.js";
import { JobView } from "./jobview.js";
import { isSharedIn, sharedHref, sharedJobIn } from "./route.js";
import { addJobs, emptyRows, isActive } from "./rows.js";
import { SharedList } from "./sharedlist.js";
import { count } from "./words.js";

const LOOK_MS = 1_000;
/** When all jobs are final, it is only looked whether the link is valid still. */
const CALM_MS = 5_000;
const RETRY_MS = 2_000;

const get = (id) => document.getElementById(id);
const PARTS = ["shared", "shared-over", "job"];

const rows = emptyRows();
/** The records of the jobs, in the order in which they are shown. */
let records = [];
let etag = "";
let skew = 0;
let timer = 0;
let isOver = false;
let isLooking = false;

const now = () => Date.now() + skew;
const list = new SharedList(get("shared"), { now });
// What happened is told by the records: nothing else is heard of.
const jobView = new JobView(get("job"), { refused: look, stories: { of: () => [] }, now });
jobView.allow([]);
// They tell all that is asked for: nothing is missing.
get("job-cut").remove();

async function look() {
  clearTimeout(timer);
  if (isOver || isLooking) return;
  isLooking = true;
  let next = RETRY_MS;
  try {
    const answer = await askChanged("shared", etag);
    if (answer.status === 401) {
      end(wordsOf(answer.body));
      return;
    }
    connection("open", "Live");
    if (answer.body !== null) take(answer);
    next = records.some(isActive) ? LOOK_MS : CALM_MS;
  } catch (error) {
    connection("waiting", `Not up to date: ${error.message}. Trying again …`);
  } finally {
    isLooking = false;
  }
  timer = setTimeout(look, document.hidden ? Math.max(next, CALM_MS) : next);
}

function take({ body, at, etag: its }) {
  etag = its ?? "";
  const ahead = at - Date.now();
  skew = Math.abs(ahead) > 2_000 ? ahead : 0;
  records = body.jobs;
  addJobs(rows, records);
  for (const record of records) jobView.informed(record);
  tellWhose(body);
  show();
}

function tellWhose({ owner, expires_at: until, gone }) {
  const day = new Date(until).toLocaleDateString("en", { day: "numeric", month: "long", year: "numeric" });
  const lost = gone > 0 ? ` ${count(gone, "job is", "jobs are")} no longer kept.` : "";
  get("shared-by").hidden = false;
  setText(get("shared-by"), `Shared by ${owner} until ${day}, read only.${lost}`);
}

/** Shows what the address names: all jobs, or one; of a link to one, that one. */
function show() {
  if (isOver) return;
  const only = records.length === 1 ? records[0].id : null;
  const id = sharedJobIn(location.hash) ?? only;
  if (id === null && records.length === 0) {
    end("The jobs that this link showed are no longer kept.");
    return;
  }
  showPart(id === null ? "shared" : "job");
  get("back").parentElement.hidden = only !== null;
  if (id === null) {
    jobView.close();
    document.title = "shared jobs · taskkit";
    draw();
    return;
  }
  jobView.open(id);
  const record = records.find((one) => one.id === id);
  if (record !== undefined) jobView.informed(record);
}

function draw() {
  if (get("shared").hidden) return;
  list.draw(records.map(({ id }) => rows.jobs.get(id)));
}

/** Shows nothing any more, and why. */
function end(why) {
  isOver = true;
  jobView.close();
  get("shared-by").hidden = true;
  get("job").replaceChildren();
  get("shared-jobs").replaceChildren();
  showPart("shared-over");
  document.title = "taskkit";
  connection("refused", "Not shown");
  setText(get("shared-why"), why);
}

function wordsOf({ detail = "" }) {
  if (/expired/.test(detail)) return "This link has expired. Ask who sent it to you for another.";
  return "This link shows nothing. It was revoked, or it is not whole: copy all of it, or ask who sent it.";
}

function showPart(part) {
  for (const id of PARTS) get(id).hidden = id !== part;
}

function connection(state, text) {
  get("connection").dataset.state = state;
  setText(get("connection"), text);
}

window.addEventListener("hashchange", () => {
  if (!isSharedIn(location.hash)) return;
  show();
  if (!get("job").hidden) jobView.title.focus();
  else if (!get("shared").hidden) list.focus();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
setInterval(draw, LOOK_MS);

document.body.dataset.isShared = "true";
get("back").href = sharedHref();
setText(get("back"), "All jobs of this link");
if (token() === null) end("This tab has no link to show: open the link that you were sent once more.");
else look();
