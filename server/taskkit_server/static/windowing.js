/** Which rows of a long list there are elements for: those in sight and a few around. Pure. */

/** Rows above and below those in sight: a fast scroll meets no empty place. */
export const AROUND = 8;

/** Returns `[from, to)` of `count` rows of `rowPx` that a view of `heightPx` at `topPx` needs. */
export function inSight({ topPx, heightPx, rowPx, count }) {
  const from = Math.floor(topPx / rowPx) - AROUND;
  const to = Math.ceil((topPx + heightPx) / rowPx) + AROUND;
  return [Math.min(count, Math.max(0, from)), Math.min(count, Math.max(0, to))];
}

/**
 * Returns where to scroll so that the row that was topmost stays where it is seen.
 *
 * At the very top the reader follows what comes; `index` is where the row is now, -1: nowhere.
 */
export function kept({ topPx, rowPx, before, index }) {
  if (topPx <= 0 || index < 0) return topPx;
  return topPx + (index - before) * rowPx;
}

/** Returns where to scroll so that a row is in sight, with as little movement as possible. */
export function revealing({ topPx, heightPx, rowPx, headPx, index }) {
  const top = index * rowPx;
  if (top < topPx) return top;
  const lowest = top + rowPx - (heightPx - headPx);
  return lowest > topPx ? lowest : topPx;
}
