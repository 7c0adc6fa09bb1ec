"""Secrets with a known text, and everything that goes wrong: none of it is found anywhere after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
import redis
import socketio
from nbclient import NotebookClient
from running import Running, running_server, running_worker
from waiting import wait_until

import taskkit
from taskkit.connection import Connection
from taskkit_server.settings import Settings as ServerSettings
from taskkit_worker.settings import Settings as WorkerSettings

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

CANARY = "canary-7f3a"
TOKEN, PASSWORD, BUCKET = f"{CANARY}-token", f"{CANARY}-password", f"{CANARY}-bucket"
KEY = f"{CANARY}-signing-key-of-at-least-32-characters"
SECRETS = {"TASKKIT_SIGNING_KEYS": KEY} if find_spec("taskkit.signing_keys") else {}

TASKS = """
import os
from taskkit import task

@task
def fail():
    print(dict(os.environ))
    raise ValueError(str(dict(os.environ)))
"""

CELLS = [
    "import os, taskkit\nclient = taskkit.Client()\nclient",
    "from IPython.display import display\njob = client.submit('fail')\ndisplay(job)\njob",
    "client.submit('no such task').result(timeout=60)",
    "job.result(timeout=60)",
    "vars(client)",
    "taskkit.Client('http://127.0.0.1:1', token=client._link.http._headers['Authorization'][7:])"
    ".jobs()",
    "taskkit.Client(token='wrong').jobs()",
]


@pytest.fixture
def redis_with_password(start_redis: Callable[..., str]) -> str:
    """A Redis that lets nobody in without it."""
    url = start_redis('save ""')
    redis.Redis.from_url(url).config_set("requirepass", PASSWORD)
    return url.replace("redis://", f"redis://:{PASSWORD}@")


@pytest.fixture
def both(redis_with_password: str, tmp_path: Path) -> Iterator[tuple[Running, Running]]:
    """A server and a worker that know the secrets."""
    tasks = tmp_path / "wrong.py"
    tasks.write_text(TASKS)
    with (
        running_server(
            redis_with_password,
            tmp_path / "server.log",
            "--access-log",
            token=TOKEN,
            **SECRETS,
            TASKKIT_BLOBS=str(tmp_path / "blobs"),
        ) as server,
        running_worker(
            redis_with_password,
            tmp_path / "worker.log",
            *("--log-format", "json", "--concurrency", "1", "--tasks", str(tasks)),
            **SECRETS,
            TASKKIT_TOKEN=TOKEN,
            TASKKIT_BLOBS=server.url,
        ) as worker,
    ):
        yield server, worker


def ask_wrongly(server: Running) -> list[str]:
    """Ask in every way in which a secret may be at the wrong place; return what was answered."""
    bearer = f"Bearer {TOKEN}"
    answers = [
        server.ask(method, path, body, **{"Authorization": bearer, **headers})
        for method, path, body, headers in (
            ("GET", f"/jobs?token={TOKEN}", None, {}),
            ("GET", f"/jobs?token={TOKEN}&before=yesterday", None, {}),
            ("POST", "/jobs", b"{", {}),
            ("POST", "/jobs", json.dumps({"task": "fail", "no": 1}).encode(), {}),
            ("POST", "/tokens", json.dumps({"user": "A B"}).encode(), {}),
            ("GET", "/jobs", None, {"Authorization": f"Basic {TOKEN}"}),
            ("GET", "/jobs", None, {"Authorization": f"Bearer {TOKEN}x"}),
            ("GET", "/jobs", None, {"Host": f"{TOKEN}.example"}),
            ("GET", "/jobs", None, {"Origin": f"http://{TOKEN}"}),
            ("GET", "/jobs", None, {"X-Request-ID": "a b"}),
            ("GET", "/jobs", None, {"Referer": f"http://x/?token={TOKEN}"}),
            ("GET", "/metrics", None, {}),
            ("GET", "/tokens", None, {}),
            ("GET", "/hello", None, {}),
            ("GET", "/workers", None, {}),
            ("GET", f"/socket.io/?EIO=4&transport=polling&token={TOKEN}", None, {}),
        )
    ]
    for auth in ({"token": f"{TOKEN}x"}, {"token": TOKEN, "logs": {"jobs": {"epoch": 7}}}):
        socket = socketio.Client(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            socket.connect(server.url, auth=auth, transports=["websocket"])
    return [str(answer.headers) + answer.data.decode() for answer in answers]


def notebook(server: Running, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a notebook as it is saved, after cells that went wrong."""
    monkeypatch.setenv("TASKKIT_URL", server.url)
    monkeypatch.setenv("TASKKIT_TOKEN", TOKEN)
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    saved = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(saved, timeout=90, allow_errors=True, kernel_name="python3").execute()
    assert sum("error" in str(cell.outputs) for cell in saved.cells) >= 4, saved
    path = folder / "saved.ipynb"
    nbformat.write(saved, path)
    return path.read_text()


def representations(server: Running) -> list[str]:
    """Return how what holds a secret shows itself."""
    url = f"redis://:{PASSWORD}@db/0"
    told: list[Any] = [
        ServerSettings(redis_url=url, token=TOKEN, blobs=f"s3://k:{BUCKET}@b"),
        WorkerSettings(redis_url=url, token=TOKEN, blobs=f"s3://k:{BUCKET}@b"),
        Connection("http://127.0.0.1:1", TOKEN),
        taskkit.Client(server.url, token=TOKEN),
    ]
    return [form(one) for one in told for form in (repr, str)]


def ended(module: str, **environment: str) -> str:
    """Return what a server or a worker says that cannot begin, or is ended after a while."""
    inherited = {name: value for name, value in os.environ.items() if "TASKKIT" not in name}
    try:
        ran = subprocess.run(
            [sys.executable, "-m", module, *(("--port", "0") if "server" in module else ())],
            env={**inherited, **SECRETS, **environment},
            capture_output=True,
            text=True,
            timeout=12,
        )
    except subprocess.TimeoutExpired as error:
        return f"{(error.stdout or b'').decode()}{(error.stderr or b'').decode()}"
    return ran.stdout + ran.stderr


ADDRESSES = (
    f"redis://:{PASSWORD}@127.0.0.1:1/0",
    f"redis://:{PASSWORD}@127.0.0.1:port/0",
    f"redis://:{PASSWORD}@[::1/0",
    f"redis://ana:{PASSWORD}@127.0.0.1:1/no-number",
    f"http://:{PASSWORD}@127.0.0.1",
)


def test_no_secret_is_told_anywhere(
    both: tuple[Running, Running],
    redis_with_password: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In no log, answer, notebook, repr, or list of processes; also when Redis refuses and dies."""
    server, worker = both
    told = {"answers": "\n".join(ask_wrongly(server))}
    as_root = f"Bearer {TOKEN}"
    made = json.loads(server.ask("POST", "/tokens", b'{"user": "ana"}', Authorization=as_root).data)
    secrets = [CANARY, made["token"]]
    assert server.get("/jobs", Authorization=f"Bearer {made['token']}").status == 200
    told["notebook"] = notebook(server, tmp_path, monkeypatch)
    told["reprs"] = "\n".join(representations(server))
    with taskkit.Client(server.url, token=TOKEN) as client:
        [job, *_] = client.jobs(limit=1)
        told["job"] = f"{job!r} {job.output} {job.exception()!r}"
    doctor = subprocess.run(
        [sys.executable, "-m", "taskkit", "doctor"], capture_output=True, text=True, timeout=120
    )
    told["doctor"] = doctor.stdout + doctor.stderr
    for part in both:
        family = psutil.Process(part.process.pid)
        words = [one.cmdline() for one in (family, *family.children(recursive=True))]
        told[f"processes of {part.log.name}"] = str(words)
    with redis.Redis.from_url(redis_with_password) as client_of_redis:
        pid = client_of_redis.info("server")["process_id"]
        client_of_redis.config_set("requirepass", f"{PASSWORD}-another")
        client_of_redis.client_kill_filter(_type="normal", skipme=False)
    wait_until(lambda: "WARNING" in server.text(), 30)
    server.get("/jobs", Authorization=as_root)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: worker.text().count("warning") >= 2, 60)
    server.get("/jobs", Authorization=as_root)
    told["server's log"], told["worker's log"] = server.text(), worker.text()
    found = {name: text for name, text in told.items() if any(one in text for one in secrets)}
    assert {name: _around(text, secrets) for name, text in found.items()} == {}
    assert "an attempt failed" in told["worker's log"]  # it did run
    assert " 401 " in told["server's log"]


@pytest.mark.parametrize("module", ["taskkit_server", "taskkit_worker"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_wrong_is_told_without_its_password(module: str, address: str) -> None:
    """Whatever is wrong with it."""
    told = ended(module, TASKKIT_REDIS_URL=address, TASKKIT_TOKEN=TOKEN)
    assert told
    assert CANARY not in told


def _around(text: str, secrets: list[str]) -> str:
    at = min(at for at in (text.find(one) for one in secrets) if at >= 0)
    return text[max(0, at - 300) : at + 100]
