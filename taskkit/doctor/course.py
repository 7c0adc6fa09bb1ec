"""The way of the trial's job: queue, worker, log and socket, each judged by what was noted."""

from __future__ import annotations

from dataclasses import replace

from ..protocol.events import ProgressReported
from ..protocol.jobs import JobRecord, JobState
from ..protocol.tokens import Scope
from . import trial
from .asking import Answer, Silence
from .chart import Chart
from .finding import Finding, Verdict, broken, caution, good, unseen
from .keeping import check_redis
from .listener import Heard
from .trial import LAST, Trial
from .workforce import Workforce, why_queued, workers_in

_LOOK_AT_WORKER = "See the worker's log: `taskkit logs`, or where `taskkit worker` runs."
_LATE = "panels are fed over HTTP instead, some seconds late"


def check_queue(chart: Chart) -> tuple[Finding, Chart]:
    """Have a job run, and see whether a worker begins it."""
    lacking = [scope for scope in (Scope.SUBMIT, Scope.READ) if not chart.may(scope)]
    if lacking:
        said = f"not tried: the token is without the scope {', '.join(lacking)}"
        return unseen(said, is_dead_end=True), chart
    place = chart.hello.get("logs", {}).get("jobs", {})
    found = trial.run(chart.asking, chart.connection, place, is_code=chart.may(Scope.CODE))
    chart = replace(chart, trial=found)
    if found.record is not None and found.record.attempt == 0:
        return _trouble_of_ledger(chart) or _why_queued(chart), chart
    return judge_queue(found), chart


def _trouble_of_ledger(chart: Chart) -> Finding | None:
    """Return what has become of Redis since it was looked at; None where nothing has."""
    now, _ = check_redis(chart)
    return now if now.verdict is Verdict.BROKEN else None


def _why_queued(chart: Chart) -> Finding:
    answer = chart.asking.get("/workers")
    workers = workers_in(answer) if isinstance(answer, Answer) else ()
    return why_queued(Workforce(workers, is_code=chart.may(Scope.CODE)), chart.trial.waited_s)


def judge_queue(found: Trial) -> Finding:
    """Return whether a job is accepted and begun."""
    record = found.record
    if record is None:
        return _refused(found.answer)
    submit_ms = 1000 * (found.accepted_at - found.sent_at)
    queued_ms = float(max(0, (record.started_at or record.created_at) - record.created_at))
    return good(
        f"a job was accepted in {submit_ms:.0f} ms and begun {queued_ms:.0f} ms later",
        {"submit_ms": submit_ms, "queued_ms": queued_ms},
    )


def _refused(answer: Answer | Silence | None) -> Finding:
    if not isinstance(answer, Answer):
        words = answer.words if answer else "nothing was sent"
        return broken(
            f"the submission of a job was not answered: {words}",
            "See the server's log: it hangs, or was stopped.",
        )
    problem = trial.problem_of(answer)
    said = str(problem.get("detail", f"HTTP {answer.status}"))
    match problem.get("code"):
        case "forbidden":
            return unseen(f"not tried: {said}", is_dead_end=True)
        case "python_mismatch":
            return broken(said, "Run `taskkit worker` in this environment, or use its Python here.")
        case "unavailable" | "disk_full":
            return broken(said, "Make room for Redis, in its memory (maxmemory) or on its disk.")
    return broken(f"a job is refused: {said}", "See the server's log for the reason.")


def check_job(chart: Chart) -> tuple[Finding, Chart]:
    """See whether the job came to its end."""
    found = judge_job(chart.trial)
    is_broken = found.verdict is Verdict.BROKEN
    return (is_broken and _trouble_of_ledger(chart)) or found, chart


def judge_job(found: Trial) -> Finding:
    """Return whether a worker runs a job and its result comes back."""
    record = found.record
    if record is None:
        return broken("no job was accepted", _LOOK_AT_WORKER)
    match record.state:
        case JobState.SUCCEEDED if found.result_ms:
            return _done(found, record)
        case JobState.SUCCEEDED:
            return broken("it succeeded, and its result cannot be had", "See the server's log.")
        case JobState.FAILED:
            said = record.error.summary if record.error else "nobody knows why"
            return broken(f"it failed: {said}", _cure_of_failure(said))
        case JobState.CANCELLED:
            return broken("somebody cancelled it", "Run `taskkit doctor` once more.")
        case JobState.QUEUED if record.past_attempts:
            cause = record.past_attempts[-1].cause
            return broken(f"its attempt ended without an outcome: {cause}", _LOOK_AT_WORKER)
    return broken(
        f"{record.worker} began it and has not done it after {found.waited_s:.0f} s",
        f"{_LOOK_AT_WORKER} It hangs, or its machine is overloaded.",
    )


def _done(found: Trial, record: JobRecord) -> Finding:
    run_ms = float((record.finished_at or 0) - (record.started_at or 0))
    all_ms = 1000 * (found.known_at - found.sent_at)
    return good(
        f"run in {run_ms:.0f} ms, its result brought in {found.result_ms:.0f} ms; "
        f"{all_ms:.0f} ms there and back",
        {"run_ms": run_ms, "result_ms": found.result_ms, "all_ms": all_ms},
    )


def _cure_of_failure(said: str) -> str:
    if "PythonMismatch" in said:
        return "Have all workers run the Python of this kernel."
    if "ModuleNotFoundError" in said or "ImportError" in said:
        return "Install the same version of taskkit where the worker runs."
    return _LOOK_AT_WORKER


def check_log(chart: Chart) -> tuple[Finding, Chart]:
    """See whether the log has what the job did."""
    return judge_log(chart.trial), chart


def judge_log(found: Trial) -> Finding:
    """Return whether the log tells the whole of the job."""
    kinds = [event.type for event in found.logged]
    last = LAST.get(found.record.state if found.record else "", "")
    wanted = ("job_submitted", "attempt_started", ProgressReported.type, last)
    lacking = [kind for kind in wanted if kind not in kinds]
    if lacking:
        return broken(
            f"of the job, GET /events does not tell {', '.join(lacking)}",
            "See the worker's log and the server's: events are lost between them.",
        )
    return good(f"{len(kinds)} events of the job, its progress among them")


def check_socket(chart: Chart) -> tuple[Finding, Chart]:
    """See whether the socket told of the job."""
    return judge_socket(chart.trial), chart


def judge_socket(found: Trial) -> Finding:
    """Return whether news come by themselves, or why a notebook has to ask for them."""
    heard, record = found.heard, found.record
    if heard.objection:
        return _closed(heard)
    last = LAST.get(record.state if record else "", "")
    moments = [at for at, event in heard.events if event.type == last]
    if record is None or not moments:
        return broken(
            "the WebSocket opens, and the job's last event does not come by it",
            "Switch off buffering in the proxy before the server; without one, see the server's "
            "log.",
        )
    event_ms = 1000 * max(0.0, moments[0] - _happened_at(found, record))
    return good(
        f"a WebSocket; the job's last event came {event_ms:.0f} ms after it happened",
        {"open_ms": heard.opened_ms, "event_ms": event_ms},
    )


def _happened_at(found: Trial, record: JobRecord) -> float:
    """Return when the job became final by this machine's clock, however wrong that is."""
    took_s = ((record.finished_at or 0) - record.created_at) / 1000
    return (found.sent_at + found.accepted_at) / 2 + took_s


def _closed(heard: Heard) -> Finding:
    if heard.handshake == 101:
        return caution(
            f"the server refuses the WebSocket: {heard.objection}; {_LATE}",
            "Close notebooks and pages that are not needed: each holds a socket.",
        )
    answer = f"HTTP {heard.handshake}" if heard.handshake else "the connection is cut"
    who = f" from {heard.server}" if heard.server else ""
    return caution(
        f"a proxy before the server does not pass WebSockets: {answer}{who}; {_LATE}",
        "Have it pass on `Upgrade` and `Connection` for /socket.io (nginx: proxy_http_version 1.1 "
        "and proxy_set_header).",
    )
