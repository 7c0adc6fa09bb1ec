"""Routes that tell how things stand: tasks, workers, logs, health."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, g, jsonify, request

import taskkit
from taskkit.ledger import Ledger
from taskkit.protocol import PROTOCOL_HEADER, spoken, wire
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import EnvironmentNotFound

from ..access.auth import Auth
from ..contract import shapes
from ..contract.operations import Answer, promises
from ..contract.queries import EventsQuery, asked
from ..contract.versions import VERSION
from ..live.sockets import JOBS, WORKERS, log_named
from ..settings import Settings
from .queues import queues_of

MAX_EVENTS = 1000


def state_api(ledger: Ledger, settings: Settings, auth: Auth) -> Blueprint:
    """Return ``/hello``, ``/tasks``, ``/workers``, ``/queues``, ``/counts`` and ``/events``."""
    routes = Blueprint("state", __name__)
    routes.before_request(auth.require)

    @routes.get("/hello")
    @promises(Answer(means="Who asks, and where the logs end", body=shapes.Hello))
    def get_hello() -> Response:
        """Tell who asks and what they may do, and all that a client needs to begin."""
        share = g.identity.share
        logs = () if share else (JOBS, WORKERS)
        heads = {name: ledger.head(log_named(name, g.owner) or "") for name in logs}
        return jsonify(
            owner=g.owner,
            scopes=sorted(g.identity.scopes),
            is_open=settings.is_open,
            protocol=spoken(_protocol()),
            version=taskkit.__version__,
            versions=[VERSION],
            logs={name: {"epoch": at.epoch, "seq": at.seq} for name, at in heads.items()},
            shared=share
            and {"jobs": share.jobs, "expires_at": wire.time_to_wire(share.expires_at)},
        )

    @routes.get("/tasks")
    @promises(Answer(means="The tasks", body=shapes.TaskList))
    def get_tasks() -> Response:
        """List the named tasks that workers offer, with their parameters."""
        return jsonify(tasks=[asdict(task) for task in ledger.tasks()])

    @routes.get("/workers")
    @promises(Answer(means="The workers", body=shapes.WorkerList))
    def get_workers() -> Response:
        """List the workers that are there, with the ids of the asker's jobs that they run."""
        return jsonify(workers=[wire.worker_to_wire(one) for one in ledger.workers(g.owner)])

    @routes.get("/environments/<digest>")
    @promises(
        Answer(means="What is installed there", body=shapes.Environment),
        problems=(EnvironmentNotFound,),
        ids=r"^[0-9a-f]{32}$",
    )
    def get_environment(digest: str) -> Response:
        """Tell what the workers of an environment have installed."""
        packages = ledger.packages(digest) if digest.isalnum() else None
        if packages is None:
            raise EnvironmentNotFound(f"no worker is there of an environment {digest[:64]!r}")
        return jsonify(packages=packages)

    @routes.get("/queues")
    @promises(Answer(means="The queues", body=shapes.QueueList))
    def get_queues() -> Response:
        """List the queues, with how many jobs of one's own and of all are in each."""
        return jsonify(queues=queues_of(ledger, g.owner))

    @routes.get("/counts")
    @promises(Answer(means="How many in each state", body=shapes.Counts))
    def get_counts() -> Response:
        """Count one's own jobs, all that are kept, by their states."""
        return jsonify(counts=ledger.tally(g.owner))

    @routes.get("/events")
    @promises(Answer(means="Events, oldest first", body=shapes.EventPage), query=EventsQuery)
    def get_events() -> Response:
        """Read a log from a cursor on."""
        query = asked(EventsQuery)
        name = query.log
        after = Cursor(query.epoch, query.after, query.at)
        log = log_named(name, g.owner) or ""
        page = ledger.read(log, after, limit=min(MAX_EVENTS, max(1, query.limit)))
        events = [wire.event_to_wire(event) for event in page.events]
        return jsonify(
            log=name, epoch=page.epoch, events=events, head=page.head, is_gap=page.is_gap
        )

    return routes


def health_api(ledger: Ledger) -> Blueprint:
    """Return ``/health/live`` and ``/health/ready``, which need no token and tell nothing else."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("/live")
    @promises(Answer(means="It is", body=shapes.Health), is_for_all=True)
    def get_live() -> Response:
        """Tell whether the server runs."""
        return jsonify(status="live")

    @routes.get("/ready")
    @promises(Answer(means="It is", body=shapes.Health), is_for_all=True)
    def get_ready() -> Response:
        """Tell whether the server takes jobs: whether Redis can be read and written."""
        ledger.check()
        return jsonify(status="ready")

    return routes


def _protocol() -> int:
    text = request.headers.get(PROTOCOL_HEADER, "1")
    return int(text) if text.isdecimal() and len(text) < 9 else 1
