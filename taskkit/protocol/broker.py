"""What the server, which publishes, and the worker, which consumes, agree on about the queue."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from typing import Any

from .errors import NOT_AS_WRITTEN, DecodeError
from .options import DEFAULT_QUEUE

BROKER_QUEUE = "taskkit.jobs"
"""The Celery queue of wake-ups for jobs that wait in the default queue."""

WAKE = "taskkit.wake"
"""Name of the one Celery task; its one argument is the queue in which a job waits."""


def broker_queue(queue: str) -> str:
    """Return the Celery queue of the wake-ups for a queue of jobs."""
    return BROKER_QUEUE if queue == DEFAULT_QUEUE else f"{BROKER_QUEUE}.{queue}"


def own(worker: str) -> str:
    """Return the name of what is, to the broker, one worker's own queue of jobs."""
    return f"@{worker}"


def is_own(queue: str) -> bool:
    """Return whether a queue is one worker's own; jobs wait in none of these."""
    return queue.startswith("@")


def own_queue(worker: str) -> str:
    """Return the Celery queue of the wake-ups that one worker alone gets."""
    return broker_queue(own(worker))


def wake_up(queue: str) -> str:
    """Return the message of Celery's that tells whoever serves a queue that a job waits in it.

    Source: Celery's message protocol, version 2, as Celery 5.7 and kombu write it for Redis. It is
    without what is null, and what tells readers of logs nothing that they could use: 530 bytes of
    Redis for a job that waits in place of 985.
    """
    id = os.urandom(16).hex()
    whole = {
        "body": _short(((queue,), {}, {})),
        "headers": {
            "lang": "py",
            "task": WAKE,
            "retries": 0,
            "ignore_result": True,
            "replaced_task_nesting": 0,
            "id": id,
            "root_id": id,
        },
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": broker_queue(queue)},
            "priority": 0,
            "correlation_id": id,
            "delivery_tag": id,
        },
        "content-encoding": "utf-8",
        "content-type": "application/json",
    }
    return _short(whole)


def is_wake_up(message: str) -> bool:
    """Return whether a message of the broker is one of ours."""
    try:
        return bool(json.loads(message)["headers"]["task"] == WAKE)
    except NOT_AS_WRITTEN:
        return False


def woken(message: str) -> str:
    """Return the queue in which, so a message says, a job waits.

    Source: Celery's message protocol, version 2, as kombu's virtual transports write it.

    Raises:
        DecodeError: It is another message.
    """
    try:
        whole = json.loads(message)
        if whole["headers"]["task"] != WAKE:
            raise DecodeError(f"its task is {whole['headers']['task']!r}")
        is_base64 = whole["properties"].get("body_encoding") == "base64"
        (queue,), _, _ = json.loads(b64decode(whole["body"]) if is_base64 else whole["body"])
        if not isinstance(queue, str):
            raise DecodeError("it names no queue")
    except NOT_AS_WRITTEN as error:
        raise DecodeError(f"it is not as Celery writes one ({error!r})") from error
    return queue


TRANSPORT_OPTIONS: dict[str, Any] = {
    # Which messages are under way is kept in the worker's memory, not in Redis: the ledger knows
    # what runs, and a wake-up that dies with its worker is sent again by the sweeper. So nothing is
    # delivered twice by a timeout either, and a message costs two writes to disk less.
    "ack_emulation": False,
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
"""kombu's options for Redis."""


def _short(obj: object) -> str:
    return json.dumps(obj, separators=(",", ":"))
