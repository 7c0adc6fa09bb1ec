"""What the server, which publishes, and the worker, which consumes, agree on about the queue."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

from .errors import DecodeError

QUEUE = "taskkit.jobs"
"""The Celery queue of wake-ups."""

WAKE = "taskkit.wake"
"""Name of the one Celery task; its arguments are a job's owner and id."""


def addressee(message: str) -> tuple[str, str]:
    """Return the owner and the id of the job that a message of the queue points at.

    Source: Celery's message protocol, version 2, as kombu's virtual transports write it.

    Raises:
        DecodeError: It is another message.
    """
    try:
        whole = json.loads(message)
        if whole["headers"]["task"] != WAKE:
            raise DecodeError(f"its task is {whole['headers']['task']!r}")
        is_base64 = whole["properties"].get("body_encoding") == "base64"
        (owner, id), _, _ = json.loads(b64decode(whole["body"]) if is_base64 else whole["body"])
        if not (isinstance(owner, str) and isinstance(id, str)):
            raise DecodeError("it points at no job")
    except (ValueError, KeyError, TypeError) as error:
        raise DecodeError(f"it is not as Celery writes one ({error!r})") from error
    return owner, id


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
