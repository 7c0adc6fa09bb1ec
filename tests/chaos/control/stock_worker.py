"""The stock build's task and its Celery application.

Source: Celery 5.7, "First Steps with Celery" (broker and result backend on Redis) and "Tasks"
(`acks_late`); Flask-SocketIO 5.7, "Emitting from an External Process".
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from celery import Celery
from flask_socketio import SocketIO

from chaos.control.notes import Notes

REDIS_URL = os.environ["STOCK_REDIS_URL"]

app = Celery("stock", broker=REDIS_URL, backend=REDIS_URL)
app.conf.task_acks_late = True
socketio = SocketIO(message_queue=REDIS_URL)
notes = Notes(Path(os.environ["STOCK_FACTS"]))


@app.task(bind=True)  # type: ignore[untyped-decorator]
def work(self: Any, seconds: float) -> None:
    """Take some time; tell all clients when that begins and when it is over."""
    job, attempt = self.request.id, 1 + self.request.retries
    notes.ran(job, attempt, "begin")
    socketio.emit("started", notes.number("attempt_started", job, attempt))
    time.sleep(seconds)
    notes.ran(job, attempt, "end")
    socketio.emit("finished", notes.number("job_succeeded", job, attempt))
