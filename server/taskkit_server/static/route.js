/**
 * Addresses within the page: `#/jobs/ID` is a job's page, `#/workers` that of workers and queues,
 * all else the list of jobs, as `listing.js` reads it. Pure.
 */

/** Returns the id of the job whose page a location's hash names, or null. */
export function jobIn(hash) {
  return /^#\/jobs\/([^/?#]+)$/.exec(hash)?.[1] ?? null;
}

/** Returns the address of a job's page. */
export function jobHref(id) {
  return `#/jobs/${id}`;
}

/** Returns which of the page's parts a location's hash names: `job`, `workers` or `jobs`. */
export function partIn(hash) {
  if (jobIn(hash) !== null) return "job";
  return hash === "#/workers" ? "workers" : "jobs";
}
