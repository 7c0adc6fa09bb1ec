/**
 * When a job's panel is fetched again: soon after news, when a second has passed, never needlessly.
 *
 * Pure: no DOM, no clock, no network; times are in ms, by one clock.
 */

/** Between the beginnings of two requests, at least. */
export const GAP_MS = 340;
/** After a request that failed. */
export const RETRY_MS = 2_000;
/** A panel that is fetched a little early shows the second that was already shown. */
const LATE_MS = 20;

/** Returns what is known before a panel was asked for. */
export function unseen() {
  return {
    isFetching: false,
    hasFailed: false,
    askedAt: -Infinity,
    // The last event of the job that was heard of, and the last that the panel shows.
    heard: Infinity,
    shown: 0,
    // When the panel looks different though nothing happens.
    ticksAt: Infinity,
  };
}

/** Returns in how many ms to ask, 0 for now; Infinity while only news or the reader change that. */
export function dueIn(state, now, isHidden) {
  if (isHidden || state.isFetching) return Infinity;
  const earliest = state.askedAt + (state.hasFailed ? RETRY_MS : GAP_MS);
  const wanted = state.hasFailed || state.heard > state.shown ? earliest : state.ticksAt;
  return Math.max(0, Math.max(wanted, earliest) - now);
}

/** A request begins. */
export function asked(state, now) {
  // What is heard from now on may be newer than the answer; what was heard before is in it.
  return { ...state, isFetching: true, askedAt: now, shown: state.heard, heard: 0 };
}

/** The panel came, as of event `seq`; `tickMs` from now it looks different by itself. */
export function answered(state, now, { seq, tickMs }) {
  return { ...state, isFetching: false, hasFailed: false, shown: seq, ticksAt: now + tickMs + LATE_MS };
}

/** No panel came; `isHopeless`: nor will one until the job is heard of. */
export function failed(state, { isHopeless }) {
  return { ...state, isFetching: false, hasFailed: !isHopeless, shown: 0, ticksAt: Infinity };
}

/** An event of the job was heard of; `Infinity` stands for any that the panel may not show yet. */
export function heard(state, seq) {
  return { ...state, heard: Math.max(state.heard, seq) };
}
