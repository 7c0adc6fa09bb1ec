/** Waiting that ends when it is told to, and leaves no timer behind. */

/**
 * Waits; rejects with the signal's reason as soon as that is aborted.
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((settle, fail) => {
    if (signal.aborted) {
      fail(signal.reason);
      return;
    }
    const stop = () => {
      clearTimeout(timer);
      fail(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      settle();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Returns a signal that is aborted when one of several is, and what lets go of those.
 *
 * `AbortSignal.any` does it too, but not in every browser that is in use.
 *
 * @param {(AbortSignal | undefined)[]} signals
 */
export function either(...signals) {
  const given = signals.filter((signal) => signal !== undefined);
  const both = new AbortController();
  /** @param {Event} event */
  const stop = ({ target }) => both.abort(/** @type {AbortSignal} */ (target).reason);
  for (const signal of given) {
    if (signal.aborted) both.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  }
  const release = () => {
    for (const signal of given) signal.removeEventListener("abort", stop);
  };
  /** @param {any} reason */
  const abort = (reason) => both.abort(reason);
  return { signal: both.signal, abort, release };
}

/**
 * Returns what a promise brings; rejects with the signal's reason where that is aborted before.
 * @template T
 * @param {Promise<T>} promise @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
export function unlessAborted(promise, signal) {
  if (signal === undefined) return promise;
  return new Promise((settle, fail) => {
    const stop = () => fail(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    promise.then(settle, fail).finally(() => signal.removeEventListener("abort", stop));
  });
}
