/**
 * Begins the page: one's own jobs, or what a link shows. The two have nothing in common but pieces,
 * and to go from one to the other is to load the page anew.
 */

import { keepShare } from "./access.js";
import { isSharedIn, shareIn, sharedHref } from "./route.js";

takeShare();
const isShared = isSharedIn(location.hash);

window.addEventListener("hashchange", () => {
  if (takeShare() || isSharedIn(location.hash) !== isShared) location.reload();
});

await import(isShared ? "./sharedpage.js" : "./app.js");

/** Takes a link's token out of the address, before anything is asked; returns whether one was there. */
function takeShare() {
  const given = shareIn(location.hash);
  if (given === null) return false;
  keepShare(given);
  // In its place in the history, too.
  history.replaceState(null, "", sharedHref());
  return true;
}
