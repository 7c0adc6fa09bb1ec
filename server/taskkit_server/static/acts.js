/** What can be done to a job, and to several: cancel, and try again. */

export const CANCEL = {
  word: "Cancel",
  now: "Cancelling …",
  verb: "cancel",
  done: "cancelled",
  fails: "Not cancelled",
};
export const RETRY = {
  word: "Retry",
  now: "Retrying …",
  verb: "retry",
  done: "submitted again",
  fails: "Not tried again",
};

/** What can be done in each state. */
export const ACTS = { queued: CANCEL, running: CANCEL, failed: RETRY, cancelled: RETRY };

/** The scope that a token needs for each. */
export const SCOPES = { cancel: "cancel", retry: "submit" };

const AT_ONCE = 4;

/**
 * Does something to each of `ids`, a few at a time, and returns the errors, in no order.
 *
 * `act(id)` returns a promise; `told(count)` is called when so many are done.
 */
export async function toEach(ids, act, told = () => {}) {
  const waiting = [...ids];
  const errors = [];
  let done = 0;
  const work = async () => {
    while (waiting.length > 0) {
      await act(waiting.shift()).catch((error) => errors.push(error));
      done += 1;
      told(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return errors;
}

/** Returns in one sentence what became of it. */
export function outcome({ done, fails }, many, errors) {
  const jobs = (number) => `${number.toLocaleString("en")} ${number === 1 ? "job" : "jobs"}`;
  const good = many - errors.length;
  if (errors.length === 0) return `${jobs(good)} ${done}.`;
  const why = `${fails}: ${jobs(errors.length)} (${errors[0].message}).`;
  return good > 0 ? `${jobs(good)} ${done}. ${why}` : why;
}

/** Returns a new idempotency key; `crypto.randomUUID` is for secure contexts only. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
