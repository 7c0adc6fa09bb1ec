/** The server's HTTP interface, asked with the user's token. */

import { isSharedIn } from "./route.js";

/** Where this page is, without what its address says of the page's parts. */
export const BASE = new URL(".", document.baseURI);
// One origin may serve several stacks, each under its own prefix.
const KEY = `taskkit.token ${BASE.pathname}`;

const SHARE_KEY = `taskkit.share ${BASE.pathname}`;

/** Whether this is the page of a link, which is never asked for with its reader's own token. */
const IS_SHARED = isSharedIn(location.hash);

/** Returns the token that was given in this tab, or that of the link that it shows, or null. */
export function token() {
  return sessionStorage.getItem(IS_SHARED ? SHARE_KEY : KEY);
}

/** Keeps the token of a link, likewise: beside the user's own, whose page may have been here. */
export function keepShare(value) {
  sessionStorage.setItem(SHARE_KEY, value);
}

/** Keeps the token for as long as the tab lives; null forgets it. */
export function keepToken(value) {
  if (value === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, value);
}

/**
 * Asks the server and returns `{status, body, at}`; `at` is the server's time, in ms.
 *
 * Throws an Error with the problem's own words for every answer but a success and a 401; its
 * `status` is the answer's, 0 where there was none.
 */
export async function ask(path, { method = "GET", json, key } = {}) {
  const response = await answer(path, { method, json, key, accept: "application/json" });
  const body = await response.json().catch(() => ({}));
  return { status: response.status, body, at: Date.parse(response.headers.get("Date")) };
}

/** Asks likewise for what may be as it was: `body` is null where it is that of `etag` still. */
export async function askChanged(path, etag) {
  const response = await answer(path, { method: "GET", accept: "application/json", etag });
  const { status, headers } = response;
  const body = status === 304 ? null : await response.json().catch(() => ({}));
  return { status, body, etag: headers.get("ETag"), at: Date.parse(headers.get("Date")) };
}

/** Asks for a piece of HTML and returns `{status, html}`; throws as `ask` does. */
export async function askHtml(path) {
  const response = await answer(path, { method: "GET", accept: "text/html" });
  const html = await response.text().catch(() => {
    throw refusal("the server did not finish its answer", 0);
  });
  return { status: response.status, html };
}

/** Asks for bytes and returns `{status, bytes}`; throws as `ask` does. */
export async function askBytes(path, signal) {
  const response = await answer(path, { method: "GET", accept: "*/*", signal });
  const body = await response.arrayBuffer().catch(() => {
    throw refusal("the server did not finish its answer", 0);
  });
  return { status: response.status, bytes: new Uint8Array(body) };
}

/** Who asks too often is answered later: so often, and for so long at most, it is waited for. */
const MOST_WAITS = 4;
const LONGEST_WAIT_S = 15;

async function answer(path, asked) {
  for (let waits = 0; ; waits += 1) {
    const response = await answerNow(path, asked);
    if (response.ok || response.status === 304 || response.status === 401) return response;
    const { detail, code } = await response.json().catch(() => ({}));
    // What was refused for this was not done, so that it may be asked again, whatever it is.
    if (code !== "too_many_requests" || waits >= MOST_WAITS) {
      throw refusal(detail ?? `the server answered ${response.status}`, response.status);
    }
    const wanted = Number(response.headers.get("Retry-After")) || 1;
    await new Promise((settle) => setTimeout(settle, 1_000 * Math.min(wanted, LONGEST_WAIT_S)));
  }
}

async function answerNow(path, { method, json, key, accept, etag, signal }) {
  const headers = { Accept: accept };
  if (token() !== null) headers.Authorization = `Bearer ${token()}`;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (etag) headers["If-None-Match"] = etag;
  if (key !== undefined) headers["Idempotency-Key"] = key;
  return fetch(new URL(path, BASE), {
    method,
    headers,
    body: json === undefined ? undefined : JSON.stringify(json),
    cache: "no-store",
    signal,
  }).catch(() => {
    throw refusal("the server does not answer", 0);
  });
}

function refusal(words, status) {
  return Object.assign(new Error(words), { status });
}

/** Asks and returns the body of the answer; throws as `ask` does, and where the token is not taken. */
export async function askBody(path) {
  const { status, body } = await ask(path);
  if (status === 401) throw refusal("not signed in", status);
  return body;
}
