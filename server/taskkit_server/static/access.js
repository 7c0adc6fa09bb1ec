/** The server's HTTP interface, asked with the user's token. */

const BASE = new URL(document.baseURI);
// One origin may serve several stacks, each under its own prefix.
const KEY = `taskkit.token ${BASE.pathname}`;

/** Returns the token that was given in this tab, or null. */
export function token() {
  return sessionStorage.getItem(KEY);
}

/** Keeps the token for as long as the tab lives; null forgets it. */
export function keepToken(value) {
  if (value === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, value);
}

/**
 * Asks the server and returns `{status, body, at}`; `at` is the server's time, in ms.
 *
 * Throws an Error with the problem's own words for every answer but a success and a 401.
 */
export async function ask(path, { method = "GET", json } = {}) {
  const headers = { Accept: "application/json" };
  if (token() !== null) headers.Authorization = `Bearer ${token()}`;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(new URL(path, BASE), {
    method,
    headers,
    body: json === undefined ? undefined : JSON.stringify(json),
    cache: "no-store",
  }).catch(() => {
    throw new Error("the server does not answer");
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok && response.status !== 401) {
    throw new Error(body.detail ?? `the server answered ${response.status}`);
  }
  return { status: response.status, body, at: Date.parse(response.headers.get("Date")) };
}

const PAGE = 100;
const PAGES = 20;

/** Returns the records of the newest jobs, up to 2,000, newest first. */
export async function records() {
  const found = [];
  let before = "";
  for (let page = 0; page < PAGES; page += 1) {
    const { body } = await ask(`jobs?limit=${PAGE}${before}`);
    found.push(...body.jobs);
    if (body.jobs.length < PAGE) break;
    before = `&before=${encodeURIComponent(body.jobs[PAGE - 1].created_at)}`;
  }
  return found;
}
