"""The stock build's web server.

Source: Flask-SocketIO 5.7, "Deployment" (gunicorn with threads) and "Using Multiple Workers" (the
message queue).
"""

from __future__ import annotations

from flask import Flask, request
from flask_socketio import SocketIO

from chaos.control.stock_worker import REDIS_URL, work

app = Flask(__name__)
socketio = SocketIO(app, message_queue=REDIS_URL, async_mode="threading")


@app.post("/tasks")
def add_task() -> tuple[dict[str, str], int]:
    """Publish a task; answer its id."""
    task = work.delay(request.get_json()["seconds"])
    return {"id": task.id}, 202
