/**
 * Addresses within the page: `#/jobs/ID` is a job's page, `#/workers` that of workers and queues,
 * `#/shares` that of one's links, all else the list of jobs, as `listing.js` reads it.
 *
 * `#/shared/TOKEN` is a link to some jobs, as it is sent; as it is shown `#/shared`, and of one of
 * several jobs `#/shared/jobs/ID`. Pure.
 */

/** Returns the id of the job whose page a location's hash names, or null. */
export function jobIn(hash) {
  return /^#\/jobs\/([^/?#]+)$/.exec(hash)?.[1] ?? null;
}

/** Returns the address of a job's page. */
export function jobHref(id) {
  return `#/jobs/${id}`;
}

/** Returns which of the page's parts a location's hash names: `job`, `workers`, `shares`, `jobs`. */
export function partIn(hash) {
  if (jobIn(hash) !== null) return "job";
  if (hash === "#/shares") return "shares";
  return hash === "#/workers" ? "workers" : "jobs";
}

/** Returns the token of a link to some jobs, or null. */
export function shareIn(hash) {
  return /^#\/shared\/([^/?#]+)$/.exec(hash)?.[1] ?? null;
}

/** Returns whether an address is within what a link shows. */
export function isSharedIn(hash) {
  return /^#\/shared(\/|$)/.test(hash);
}

/** Returns the id of the job, of several that a link shows, that an address names, or null. */
export function sharedJobIn(hash) {
  return /^#\/shared\/jobs\/([^/?#]+)$/.exec(hash)?.[1] ?? null;
}

/** Returns the address of what a link shows, or of one of its jobs. */
export function sharedHref(id) {
  return id === undefined ? "#/shared" : `#/shared/jobs/${id}`;
}
