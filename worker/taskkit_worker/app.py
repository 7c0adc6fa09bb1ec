"""The Celery side: settings under which a message is only a wake-up, and its one task."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.worker.request import Request
from kombu.entity import Queue

from taskkit.protocol.broker import BROKER_QUEUE, WAKE, own, own_queue
from taskkit.protocol.celery_settings import celery_settings, queue_arguments

from .process import process


class WakeRequest(Request):  # type: ignore[misc]
    """Tells the keeper, in the main process, which pool process died and of what."""

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> None:
        """Note a death before Celery acknowledges the message."""
        process.deaths.put((self.worker_pid, str(exc_info.exception)))
        super().on_failure(exc_info, *args, **kwargs)


def create_app(
    redis_url: str, broker_url: str | None = None, *, worker: str = "", is_watched: bool = False
) -> Celery:
    """Return the Celery application of a worker of that name.

    broker_url: of RabbitMQ, where that wakes it.
    is_watched: whether it sends events and heeds remote control, as Flower wants.
    """
    app = Celery("taskkit", set_as_current=False)
    told = celery_settings(redis_url, broker_url)
    app.conf.update(told | CONFIG | (WATCHED if is_watched else {}))
    if broker_url is None:
        # Of several queues the first one that has a message, not each in turn.
        in_order = {"queue_order_strategy": "priority"}
        app.conf.broker_transport_options = {**told["broker_transport_options"], **in_order}
    else:
        arguments = queue_arguments(own(worker))
        name = own_queue(worker)
        make: Any = Queue
        app.amqp.queues.add(make(name, routing_key=name, queue_arguments=arguments))
    app.task(_wake, name=WAKE, Request=WakeRequest)
    return app


def _wake(queue: str) -> None:
    """Run the job whose turn it is in a queue, if there is one, and what follows it."""
    with process.handover.at_work():
        process.shift.work(queue)


WATCHED = {"worker_enable_remote_control": True, "worker_send_task_events": True}

CONFIG: dict[str, Any] = {
    # The ledger alone decides on retries; a message is acknowledged whatever came of the job.
    "task_acks_late": True,
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    "task_reject_on_worker_lost": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_default_queue": BROKER_QUEUE,
    # One job a process, none waiting behind it.
    "worker_prefetch_multiplier": 1,
    # With either of these two on, Celery 5.7.0 exits when Redis is away while a job runs.
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_channel_error_retry": True,
    "worker_consumer": "taskkit_worker.consumer:WakeConsumer",
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_proc_alive_timeout": 30,
    "worker_lost_wait": 0.2,
    # What a job did to its process's memory is undone now and then.
    "worker_max_memory_per_child": 4 * 2**20 if os.name == "posix" else None,
}
