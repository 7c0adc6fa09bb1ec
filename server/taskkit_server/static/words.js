/** Times, counts and names as people read them. */

/** Returns a span of milliseconds, e.g. `40 ms`, `2.3 s`, `41 s`, `2:05 min`, `1:02:05 h`. */
export function duration(ms) {
  if (ms > 0 && ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = Math.max(0, ms) / 1000;
  const whole = Math.round(seconds);
  if (seconds < 9.95 && seconds !== whole) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours === 0) return `${minutes}:${two(whole % 60)} min`;
  return `${hours}:${two(minutes)}:${two(whole % 60)} h`;
}

/** Returns `1 process`, `2 processes`. */
export function count(number, one, many) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** Returns the start of a job's id: enough to tell jobs apart by eye. */
export function shortId(id) {
  return id.slice(0, 8);
}

/** Returns the host and pid in a worker's name, `host-pid-xxxx`. */
export function workerParts(name) {
  const found = /^(.+)-(\d+)-[0-9a-z]+$/i.exec(name ?? "");
  return found ? { host: found[1], pid: found[2] } : { host: name ?? "", pid: "" };
}

/** Returns when something was: the time of today, else the day and the time. */
export function moment(at, now) {
  const [then, today] = [new Date(at), new Date(now)];
  const time = clock(then);
  if (then.toDateString() === today.toDateString()) return time;
  const day = then.toLocaleDateString("en", { month: "short", day: "numeric" });
  return `${day}, ${time.slice(0, 5)}`;
}

/** Returns a time of day, e.g. `09:05:30`. */
export function clock(date) {
  const two = (number) => String(number).padStart(2, "0");
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}
