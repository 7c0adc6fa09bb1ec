"""The message that wakes a worker, beside the one that Celery and kombu would write."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.messaging import Producer

from taskkit.protocol.broker import WAKE, broker_queue, wake_up, woken
from taskkit_worker.app import create_app

OF_EACH = ("id", "root_id", "correlation_id", "delivery_tag")
LEFT_OUT = ("argsrepr", "kwargsrepr", "origin", "body_encoding")
"""What readers of logs cannot use, and what says that a body is base64, which makes it longer."""


def written_by_celery(queue: str) -> dict[str, Any]:
    """Return the same message as Celery makes it and kombu's virtual transports put it away."""
    app = create_app("redis://nowhere")
    wake = app.amqp.create_task_message("1" * 32, WAKE, (queue,), {}, ignore_result=True)
    channel = Connection("memory://").channel()
    Producer(channel, auto_declare=False, serializer="json").publish(
        wake.body,
        exchange="",
        routing_key=broker_queue(queue),
        headers=wake.headers,
        **wake.properties,
    )
    found: dict[str, Any] = channel._queue_for(broker_queue(queue)).get_nowait()
    return found


def used(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what a worker needs of them."""
    return {
        name: value
        for name, value in fields.items()
        if name not in LEFT_OUT and value not in (None, "", {}, [None, None])
    }


@pytest.mark.parametrize("queue", ["default", "gpu"])
def test_it_is_what_celery_would_write(queue: str) -> None:
    """But for what is null or of no use; an update of Celery's that changes more fails here."""
    ours, theirs = json.loads(wake_up(queue)), written_by_celery(queue)
    assert ours.keys() == theirs.keys()
    for part in ("headers", "properties"):
        told, expected = ours[part], used(theirs[part])
        assert told.keys() == expected.keys()
        same = [name for name in told if name not in OF_EACH]
        assert {name: told[name] for name in same} == {name: expected[name] for name in same}
    assert ours["content-type"] == theirs["content-type"]
    assert ours["content-encoding"] == theirs["content-encoding"]
    args, kwargs, _ = json.loads(ours["body"])
    assert [args, kwargs] == json.loads(b64decode(theirs["body"]))[:2]
    assert woken(json.dumps(theirs)) == woken(wake_up(queue)) == queue


def test_each_has_an_id_of_its_own() -> None:
    """The same throughout, in the form of Celery's own without its dashes."""
    messages = [json.loads(wake_up("default")) for _ in range(100)]
    ids = {one["headers"]["id"] for one in messages}
    assert len(ids) == 100
    for one in messages:
        own = {one["headers"]["root_id"], *(one["properties"][name] for name in OF_EACH[2:])}
        assert own == {one["headers"]["id"]}
        assert len(one["headers"]["id"]) == 32
