/**
 * How far this page has read a log: the reader's half of `taskkit/protocol/cursor.py`.
 *
 * A cursor is `{epoch, after}`: everything up to and including `after` of `epoch` was read.
 */

export const START = Object.freeze({ epoch: "", after: 0 });

/**
 * Takes a stretch of a log and says what is new in it: `{cursor, fresh, isGap}`.
 *
 * What was read already is dropped. Behind a hole, or in another epoch, nothing is taken.
 * A cursor without an epoch has read nothing yet and takes any.
 */
export function receive(cursor, epoch, events) {
  if (cursor.epoch !== "" && cursor.epoch !== epoch) return { cursor, fresh: [], isGap: true };
  const fresh = events.filter((event) => event.seq > cursor.after);
  if (fresh.length === 0) {
    return { cursor: { epoch, after: cursor.after }, fresh, isGap: false };
  }
  if (fresh[0].seq !== cursor.after + 1) return { cursor, fresh: [], isGap: true };
  return { cursor: { epoch, after: fresh[fresh.length - 1].seq }, fresh, isGap: false };
}
