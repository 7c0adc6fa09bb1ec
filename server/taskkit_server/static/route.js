/** Addresses within the page: `#/jobs/ID` is a job's page, all else the stack's. Pure. */

/** Returns the id of the job whose page a location's hash names, or null. */
export function jobIn(hash) {
  return /^#\/jobs\/([^/?#]+)$/.exec(hash)?.[1] ?? null;
}

/** Returns the address of a job's page. */
export function jobHref(id) {
  return `#/jobs/${id}`;
}
