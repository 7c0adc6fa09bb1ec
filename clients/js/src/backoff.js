/** How long to wait before something is tried again. Pure: the dice and the clock are passed in. */

export const FIRST_MS = 100;
export const LONGEST_MS = 5_000;

/**
 * Returns how long to wait after so many failures in a row, 0 for the first.
 *
 * It doubles up to a limit; of each wait half is left to chance, so that those who were cut off
 * together do not come back together.
 *
 * @param {number} failures
 * @param {{ firstMs?: number, longestMs?: number, random?: () => number }} [options]
 */
export function delayMs(
  failures,
  { firstMs = FIRST_MS, longestMs = LONGEST_MS, random = Math.random } = {},
) {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 32));
  return whole / 2 + (random() * whole) / 2;
}

/**
 * Returns in how many ms a `Retry-After` wants to be asked again, null where it says nothing.
 *
 * Source: RFC 9110, 10.2.3: seconds, or a date.
 *
 * @param {string | null} header
 * @param {number} nowMs
 */
export function retryAfterMs(header, nowMs) {
  const text = (header ?? "").trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const at = /\d{2}:\d{2}:\d{2}/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
