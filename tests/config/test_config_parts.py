"""Server, worker and stack go by what is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

import taskkit_server.configured
import taskkit_worker.configured
from taskkit.cli.up import stack_settings
from taskkit.config.loading import load
from taskkit_server.settings import Settings as ServerSettings
from taskkit_worker.settings import Settings as WorkerSettings

Write = Callable[..., Path]

ALL = """
[redis]
url = "redis://lab:6379/0"
plain = true
[server]
host = "::1"
port = 5001
token = "t"
open = true
allowed_hosts = ["lab.example"]
threads = 64
max_sockets = 32
max_sockets_per_user = 8
public_url = "https://lab.example/"
sweep_s = 3.0
retention_days = 2
processes = 2
log_format = "json"
access_log = true
blobs_cache = "/srv/server"
[worker]
sandbox = "limits"
sandbox_user = "jobs"
sandbox_paths = ["/data", "/out:rw"]
sandbox_network = false
sandbox_cpu_s = 60
concurrency = 3
queues = ["high", "low"]
tasks = ["mine.py"]
beat_s = 4.0
finish_s = 6.0
interrupt_s = 1.0
pulse = "/run/pulse"
log_format = "json"
remote_control = true
token = "w"
blobs_cache = "/srv/worker"
[blobs]
place = "/srv/blobs"
max_bytes = 1000
[limits]
max_queued_jobs = 10
max_running_jobs = 2
max_stored_bytes = 4096
requests_per_s = 5.0
share_requests_per_s = 6.0
max_share_days = 7
"""


def changed(settings: ServerSettings | WorkerSettings, usual: object) -> set[str]:
    """Return the fields that are not as usual."""
    return {
        one.name
        for one in fields(settings)
        if getattr(settings, one.name) != getattr(usual, one.name)
    }


def test_every_setting_of_a_service_of_a_hub_can_be_told(write: Write) -> None:
    """Beside what the Hub says, which is where it listens and by which name it is reached."""
    write('[hub]\nservice = true\nscopes = ["read"]\ncode_users = ["ana"]\n')
    told = load({"TASKKIT_REDIS_URL": "redis://[::1]"}, {}).configuration
    said = {
        "JUPYTERHUB_API_TOKEN": "secret",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api",
        "JUPYTERHUB_SERVICE_NAME": "taskkit",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/taskkit/",
        "JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:5007",
        "JUPYTERHUB_PUBLIC_URL": "https://hub.example/services/taskkit/",
    }
    settings = taskkit_server.configured.settings_of(told, said)
    assert settings.hub is not None
    assert (settings.port, settings.token) == (5007, None)
    assert "hub.example" in settings.allowed_hosts
    assert settings.hub.scopes_of("ana") == {"read", "code"}
    assert settings.hub.scopes_of("bob") == {"read"}
    assert settings.public_url == "https://hub.example/services/taskkit/"


def test_every_setting_of_a_server_can_be_told(write: Write) -> None:
    """No field of its settings is out of reach of the file."""
    write(ALL)
    settings = taskkit_server.configured.settings_of(load({}, {}).configuration)
    assert changed(settings, ServerSettings(redis_url="")) == {
        one.name for one in fields(ServerSettings)
    } - {"signing_keys", "hub"}
    assert settings.retention_s == 2 * 86_400
    assert settings.allowed_hosts == {"localhost", "127.0.0.1", "::1", "lab.example"}
    assert settings.blobs_cache == Path("/srv/server")


def test_every_setting_of_a_worker_can_be_told(write: Write) -> None:
    """But for what it is, not what it does: its name, host and Python."""
    write(ALL)
    settings = taskkit_worker.configured.settings_of(load({}, {}).configuration)
    assert changed(settings, WorkerSettings(redis_url="", concurrency=99)) - {"name"} == {
        one.name for one in fields(WorkerSettings)
    } - {"name", "host", "python", "signing_keys"}
    assert settings.queues == ("high", "low")


def test_what_nobody_tells_is_as_the_settings_have_it() -> None:
    """The defaults of the file and those of the code are one."""
    told = load({"TASKKIT_REDIS_URL": "redis://[::1]", "TASKKIT_TOKEN": "t"}, {}).configuration
    server = taskkit_server.configured.settings_of(told)
    assert changed(server, ServerSettings(redis_url="redis://[::1]", token="t")) == set()
    worker = taskkit_worker.configured.settings_of(told)
    usual = WorkerSettings(redis_url="redis://[::1]", token="t", name=worker.name)
    assert changed(worker, usual) - {"name"} == set()


def test_a_stack_goes_by_the_file_and_its_arguments(write: Write) -> None:
    """`taskkit up` and `taskkit lab`, what is typed before what is written."""
    write(ALL.replace("[redis]", '[redis]\nfsync = "everysec"'))
    settings = stack_settings({"worker.concurrency": ("--workers", 1)}, None)
    assert (settings.port, settings.workers, settings.tasks) == (5001, 1, ("mine.py",))
    assert (settings.is_open, settings.fsync) == (True, "everysec")
    assert (settings.redis_url, settings.blobs) == ("redis://lab:6379/0", "/srv/blobs")


@pytest.mark.parametrize("part", ["server", "worker"])
def test_a_part_does_not_start_with_a_file_that_cannot_be(write: Write, part: str) -> None:
    """It says where and what, and ends with 1."""
    path = write(f"[{part}]\nthread = 5\n")
    command = [sys.executable, "-m", f"taskkit_{part}"]
    ran = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"taskkit {part}: {path}, line 2: {part}.thread: there is no such")
    assert ran.stderr.count("\n") == 1
