/** The server's HTTP interface, asked with the user's token. */

import { TooManyRequests, Unauthorized } from "./client/errors.js";
import { Http, jsonOf } from "./client/http.js";
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

/** Who asks too often is answered later; nothing else is asked again: the page says what is wrong. */
const http = new Http(BASE, { token, repeats: (error) => error instanceof TooManyRequests });

/**
 * Asks the server and returns `{status, body, at}`; `at` is the server's time, in ms.
 *
 * Throws an Error with the problem's own words for every answer but a success and a 401; its
 * `status` is the answer's, 0 where there was none.
 */
export async function ask(path, { method = "GET", json, key } = {}) {
  return asJson(await answer(path, { method, json, key }));
}

/** Asks likewise for what may be as it was: `body` is null where it is that of `etag` still. */
export async function askChanged(path, etag) {
  const given = await answer(path, { etag });
  const { status, body, at } = asJson(given);
  return { status, body: status === 304 ? null : body, etag: given.headers.get("ETag"), at };
}

/** Asks for a piece of HTML and returns `{status, html}`; throws as `ask` does. */
export async function askHtml(path) {
  const { status, bytes } = await answer(path, { accept: "text/html" });
  return { status, html: new TextDecoder().decode(bytes) };
}

/** Asks for bytes and returns `{status, bytes}`; throws as `ask` does. */
export async function askBytes(path, signal) {
  const { status, bytes } = await answer(path, { accept: "*/*", signal });
  return { status, bytes };
}

/** Asks and returns the body of the answer; throws as `ask` does, and where the token is not taken. */
export async function askBody(path) {
  return asJson(await http.send(path)).body;
}

/** Returns the answer; who is not signed in is told so by it, and not by an error. */
async function answer(path, asked) {
  try {
    return await http.send(path, asked);
  } catch (error) {
    if (!(error instanceof Unauthorized)) throw error;
    const bytes = new TextEncoder().encode(JSON.stringify({ detail: error.message }));
    return { status: 401, headers: new Headers(), bytes };
  }
}

function asJson({ status, headers, bytes }) {
  const body = bytes.length === 0 ? {} : jsonOf({ bytes });
  return { status, body, at: Date.parse(headers.get("Date")) };
}
