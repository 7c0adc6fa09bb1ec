"""What Celery is told of its broker, the same in the server, which publishes, and in the worker."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from .broker import TRANSPORT_OPTIONS, is_own
from .sentinel import is_sentinel, sentinel_address

QUORUM = {"x-queue-type": "quorum"}
"""The arguments of a queue that RabbitMQ keeps on several nodes. A queue is of one kind for good,
so all who declare it say the same."""

OWN_EXPIRES_S = 3600
"""How long RabbitMQ keeps the queue of a worker's own when nobody uses it any more."""

HEARTBEAT_S = 30
"""How often RabbitMQ and a worker tell each other that they are there. A connection on which nobody
is heard for twice as long is given up."""

ANSWER_S = 10
"""How long a worker waits for an answer of RabbitMQ before it connects anew. A quorum queue that
has no leader gives none."""

_OF_TLS = ("ca_certs", "certfile", "keyfile")


def queue_arguments(queue: str) -> dict[str, Any]:
    """Return the arguments of the queue for wake-ups of a queue of jobs, or of one worker's own."""
    return QUORUM | ({"x-expires": 1000 * OWN_EXPIRES_S} if is_own(queue) else {})


def celery_settings(redis_url: str, broker_url: str | None = None) -> dict[str, Any]:
    """Return Celery's settings for the broker: RabbitMQ where its address is told, else Redis."""
    if broker_url is None and is_sentinel(redis_url):
        return _of_sentinels(redis_url)
    if broker_url is None:
        return {"broker_url": redis_url, "broker_transport_options": TRANSPORT_OPTIONS}
    url, use_ssl = amqp_address(broker_url)
    return {
        "broker_url": url,
        "broker_use_ssl": use_ssl,
        "broker_heartbeat": HEARTBEAT_S,
        "broker_connection_timeout": 5,
        # Quorum queues limit what is under way for each queue, not for a connection: Celery asks
        # for that where it sees that a queue is one.
        "task_default_queue_type": "quorum",
        "task_create_missing_queue_type": "quorum",
        "worker_detect_quorum_queues": True,
        "broker_transport_options": {
            "confirm_publish": True,
            "read_timeout": ANSWER_S,
            "write_timeout": ANSWER_S,
        },
    }


def _of_sentinels(redis_url: str) -> dict[str, Any]:
    """Source: kombu 5.7, `kombu.transport.redis.SentinelChannel`."""
    told = sentinel_address(redis_url)
    user = ""
    if told.username or told.password:
        user = f"{quote(told.username or '', safe='')}:{quote(told.password or '', safe='')}@"
    urls = (f"sentinel://{user}{host}:{port}/{told.db}" for host, port in told.sentinels)
    asked: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 2}
    if told.sentinel_password:
        asked |= {"username": told.sentinel_username, "password": told.sentinel_password}
    return {
        "broker_url": ";".join(urls),
        "broker_transport_options": {
            **TRANSPORT_OPTIONS,
            "master_name": told.master,
            "sentinel_kwargs": asked,
        },
    }


def amqp_address(broker_url: str) -> tuple[str, dict[str, Any] | bool]:
    """Return the address of RabbitMQ as kombu takes it, and how its connections are encrypted.

    py-amqp checks a certificate and its name where it is told both, and else neither.
    """
    parts = urlsplit(broker_url)
    plain = parts._replace(scheme="amqp", query="").geturl()
    if parts.scheme != "amqps":
        return plain, False
    told = {name.removeprefix("ssl_"): value for name, value in parse_qsl(parts.query)}
    files = {name: told[name] for name in _OF_TLS if name in told}
    checked = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts.hostname}
    return plain, {**checked, **files}
