"""Routes that tell how things stand: tasks, workers, logs, health."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, g, jsonify, request

import taskkit
from taskkit.ledger import Ledger
from taskkit.protocol import PROTOCOL_HEADER, spoken, wire
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import InvalidRequest

from .auth import Auth
from .queues import queues_of
from .settings import Settings
from .sockets import JOBS, WORKERS, log_named

MAX_EVENTS = 1000


def state_api(ledger: Ledger, settings: Settings, auth: Auth) -> Blueprint:
    """Return the routes ``/hello``, ``/tasks``, ``/workers``, ``/queues`` and ``/events``."""
    routes = Blueprint("state", __name__)
    routes.before_request(auth.require)

    @routes.get("/hello")
    def get_hello() -> Response:
        heads = {name: ledger.head(log_named(name, g.owner) or "") for name in (JOBS, WORKERS)}
        return jsonify(
            owner=g.owner,
            scopes=sorted(g.identity.scopes),
            is_open=settings.is_open,
            protocol=spoken(_protocol()),
            version=taskkit.__version__,
            logs={name: {"epoch": at.epoch, "seq": at.seq} for name, at in heads.items()},
        )

    @routes.get("/tasks")
    def get_tasks() -> Response:
        return jsonify(tasks=[asdict(task) for task in ledger.tasks()])

    @routes.get("/workers")
    def get_workers() -> Response:
        return jsonify(workers=[wire.worker_to_wire(one) for one in ledger.workers(g.owner)])

    @routes.get("/queues")
    def get_queues() -> Response:
        return jsonify(queues=queues_of(ledger, g.owner))

    @routes.get("/events")
    def get_events() -> Response:
        name = request.args.get("log", JOBS)
        log = log_named(name, g.owner)
        if log is None:
            raise InvalidRequest(f"there is no log {name[:64]!r}; there are {JOBS} and {WORKERS}")
        after = Cursor(request.args.get("epoch", ""), _count("after", 0), _count("at", 0))
        page = ledger.read(log, after, limit=min(MAX_EVENTS, _count("limit", 500)))
        events = [wire.event_to_wire(event) for event in page.events]
        return jsonify(
            log=name, epoch=page.epoch, events=events, head=page.head, is_gap=page.is_gap
        )

    return routes


def health_api(ledger: Ledger) -> Blueprint:
    """Return ``/health/live`` and ``/health/ready``, which need no token and tell nothing else."""
    routes = Blueprint("health", __name__, url_prefix="/health")

    @routes.get("/live")
    def get_live() -> Response:
        return jsonify(status="live")

    @routes.get("/ready")
    def get_ready() -> Response:
        ledger.check()
        return jsonify(status="ready")

    return routes


def _protocol() -> int:
    text = request.headers.get(PROTOCOL_HEADER, "1")
    return int(text) if text.isdecimal() and len(text) < 9 else 1


def _count(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdecimal() or len(text) > 18:
        raise InvalidRequest(f"{name} must be a number from 0 on, not {text[:64]!r}")
    return int(text)
