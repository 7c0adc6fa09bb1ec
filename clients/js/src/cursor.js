/**
 * How far a reader has read a log, and the only place that knows about loss. Pure.
 *
 * A cursor is `{epoch, after, at}`: everything up to and including `after` of `epoch` was read, and
 * that event bore the time `at` (0 where that is not known).
 *
 * @typedef {{ epoch: string, after: number, at: number }} Cursor
 * @typedef {import("./wire.js").LogEvent} LogEvent
 */

/** Nothing was read yet, of whichever log. @type {Readonly<Cursor>} */
export const START = Object.freeze({ epoch: "", after: 0, at: 0 });

/**
 * Takes a stretch of a log and says what is new in it.
 *
 * What was read already is dropped. Behind a hole, or in another epoch, nothing is taken and `isGap`
 * is true: resume from the cursor. A cursor without an epoch takes any; one that has read nothing
 * takes a log whose beginning is not kept any more, and `isTrimmed` says so.
 *
 * @param {Cursor} cursor
 * @param {{ epoch: string, events: LogEvent[] }} stretch
 * @returns {{ cursor: Cursor, fresh: LogEvent[], isGap: boolean, isTrimmed: boolean }}
 */
export function receive(cursor, { epoch, events }) {
  const nothing = { cursor, fresh: [], isGap: true, isTrimmed: false };
  if (cursor.epoch !== "" && cursor.epoch !== epoch) return nothing;
  const fresh = events.filter(({ seq }) => seq > cursor.after);
  const [first, last] = [fresh[0], fresh[fresh.length - 1]];
  if (first === undefined || last === undefined) {
    return { cursor: { ...cursor, epoch }, fresh, isGap: false, isTrimmed: false };
  }
  const isStart = cursor.epoch === "" && cursor.after === 0;
  const isTrimmed = isStart && first.seq > 1;
  const isWhole = last.seq - first.seq + 1 === fresh.length;
  if (!isWhole || (first.seq !== cursor.after + 1 && !isTrimmed)) return nothing;
  return { cursor: placeOf(epoch, last), fresh, isGap: false, isTrimmed };
}

/**
 * Returns the cursor of who has read a log up to and including an event.
 * @param {string} epoch @param {LogEvent} event
 * @returns {Cursor}
 */
export function placeOf(epoch, { seq, at }) {
  return { epoch, after: seq, at: Number.isSafeInteger(at) && at > 0 ? at : 0 };
}
