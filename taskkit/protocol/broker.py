"""What the server, which publishes, and the worker, which consumes, agree on about the queue."""

from __future__ import annotations

from typing import Any

QUEUE = "taskkit.jobs"
"""The Celery queue of wake-ups."""

WAKE = "taskkit.wake"
"""Name of the one Celery task; its arguments are a job's owner and id."""

TRANSPORT_OPTIONS: dict[str, Any] = {
    # A job longer than this is begun once more; the ledger refuses the second copy.
    "visibility_timeout": 12 * 3600,
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
"""kombu's options for Redis; the shortest visibility timeout among all parties counts."""
