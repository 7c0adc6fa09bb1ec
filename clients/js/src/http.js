/**
 * Requests to the server: with the token, with patience, and with its problems as errors.
 *
 * A request is repeated where no answer came or the server cannot at the moment, if a second one does
 * no harm: because it only reads, bears a key, or is said to be so.
 */

import { delayMs, retryAfterMs } from "./backoff.js";
import { DecodeError, NotReachable, TooManyRequests, Unavailable, errorOf } from "./errors.js";
import { either, pause } from "./pause.js";
import { PROTOCOL } from "./wire.js";

/** How long a request is repeated before what is wrong is told. */
export const PATIENCE_MS = 60_000;
/** Without a byte of the answer for so long, none comes. */
export const TIMEOUT_MS = 60_000;

const HARMLESS = new Set(["GET", "HEAD", "DELETE"]);

/**
 * @typedef {object} Asked
 * @property {string} [method]
 * @property {unknown} [json] what is sent
 * @property {string} [key] makes the request safe to repeat: `Idempotency-Key`
 * @property {string} [accept]
 * @property {string} [etag] of what is there already: `If-None-Match`
 * @property {boolean} [isRepeatable] whether a second one does no harm
 * @property {number} [patienceMs] how long it is repeated, if not as usual
 * @property {number} [timeoutMs] without a byte of the answer for so long, none comes
 * @property {AbortSignal} [signal]
 *
 * @typedef {{ status: number, headers: Headers, bytes: Uint8Array }} Answer
 */

export class Http {
  /**
   * @param {URL | string} base what the paths of requests are appended to; it ends in `/`
   * @param {object} [options]
   * @param {string | null | (() => string | null)} [options.token]
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {number} [options.patienceMs]
   * @param {number} [options.timeoutMs]
   * @param {(error: unknown, isHarmless: boolean) => boolean} [options.repeats] whether after an
   *   error the request is made again
   */
  constructor(base, options = {}) {
    const { token = null, patienceMs = PATIENCE_MS, timeoutMs = TIMEOUT_MS } = options;
    this.base = new URL(base);
    this.token = typeof token === "function" ? token : () => token;
    this.patienceMs = patienceMs;
    this.timeoutMs = timeoutMs;
    /** @type {typeof globalThis.fetch} */
    this.fetch = options.fetch ?? ((...asked) => globalThis.fetch(...asked));
    this.repeats = options.repeats ?? isWorthRepeating;
  }

  /**
   * Asks and returns the JSON of the answer.
   * @param {string} path @param {Asked} [asked]
   * @returns {Promise<any>}
   */
  async ask(path, asked) {
    return jsonOf(await this.send(path, asked));
  }

  /**
   * Asks and returns the answer, if it is a good one or says that nothing has changed.
   * @param {string} path @param {Asked} [asked]
   * @returns {Promise<Answer>}
   * @throws {TaskkitError}
   */
  async send(path, asked = {}) {
    const { method = "GET", key, isRepeatable = HARMLESS.has(method) || key !== undefined } = asked;
    const never = new AbortController();
    const until = Date.now() + (asked.patienceMs ?? this.patienceMs);
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.#once(path, { ...asked, method });
      } catch (error) {
        if (!this.repeats(error, isRepeatable)) throw error;
        const wait = waitAfter(error, failures);
        if (Date.now() + wait > until) throw error;
        await pause(wait, asked.signal ?? never.signal);
      }
    }
  }

  /** @param {string} path @param {Asked} asked */
  async #once(path, asked) {
    const { method, json, key, accept = "application/json", etag, signal } = asked;
    /** @type {Record<string, string>} */
    const headers = { Accept: accept, "Taskkit-Protocol": String(PROTOCOL) };
    const token = this.token();
    if (token !== null) headers.Authorization = `Bearer ${token}`;
    if (json !== undefined) headers["Content-Type"] = "application/json";
    if (etag) headers["If-None-Match"] = etag;
    if (key !== undefined) headers["Idempotency-Key"] = `"${key.replace(/["\\]/g, "\\$&")}"`;
    const body = json === undefined ? undefined : JSON.stringify(json);
    const whole = { method, headers, body, cache: /** @type {const} */ ("no-store") };
    const timeoutMs = asked.timeoutMs ?? this.timeoutMs;
    const answer = await this.#answered(new URL(path, this.base), whole, timeoutMs, signal);
    const { status } = answer;
    if ((status >= 200 && status < 300) || status === 304) return answer;
    const error = errorOf(problemIn(answer.bytes), status);
    error.retryAfterMs = retryAfterMs(answer.headers.get("Retry-After"), Date.now());
    error.requestId ||= answer.headers.get("X-Request-ID") ?? "";
    throw error;
  }

  /**
   * @param {URL} url @param {RequestInit} whole @param {number} timeoutMs
   * @param {AbortSignal | undefined} outer
   */
  async #answered(url, whole, timeoutMs, outer) {
    const { signal, abort, release } = either(outer);
    let isAnswering = false;
    const silent = () => abort(new NotReachable("the server does not answer in time"));
    let timer = setTimeout(silent, timeoutMs);
    try {
      const response = await this.fetch(url, { ...whole, signal });
      isAnswering = true;
      const bytes = await whollyRead(response, () => {
        clearTimeout(timer);
        timer = setTimeout(silent, timeoutMs);
      });
      return { status: response.status, headers: response.headers, bytes };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const what = isAnswering ? "did not finish its answer" : "does not answer";
      throw new NotReachable(`the server ${what}`, { cause });
    } finally {
      clearTimeout(timer);
      release();
    }
  }
}

/**
 * Returns the JSON that an answer holds.
 * @param {{ bytes: Uint8Array }} answer
 * @returns {any}
 */
export function jsonOf({ bytes }) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new DecodeError("what answers at this address is not a taskkit server", { cause });
  }
}

/**
 * Returns whether a request may be made again: one that was refused for there being too many was not
 * done, whatever it is.
 * @param {unknown} error @param {boolean} isHarmless
 */
export function isWorthRepeating(error, isHarmless) {
  if (error instanceof TooManyRequests) return true;
  return isHarmless && (error instanceof Unavailable || error instanceof NotReachable);
}

/** @param {unknown} error @param {number} failures */
function waitAfter(error, failures) {
  const wanted = error instanceof Unavailable ? error.retryAfterMs : null;
  const delay = delayMs(failures);
  // Never sooner than was asked for, and not all at that same moment.
  return wanted === null ? delay : wanted + Math.min(delay, 1_000);
}

/** @param {Response} response @param {() => void} heard called for each piece */
async function whollyRead(response, heard) {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  /** @type {Uint8Array[]} */
  const pieces = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    heard();
    pieces.push(value);
  }
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** @param {Uint8Array} bytes */
function problemIn(bytes) {
  try {
    const said = JSON.parse(new TextDecoder().decode(bytes));
    return typeof said === "object" && said !== null && !Array.isArray(said) ? said : null;
  } catch {
    return null;
  }
}
