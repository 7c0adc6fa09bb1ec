"""docs/deploy/hosts.md: what is marked ✓ is run as it stands, with other folders and addresses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import urllib3
from tls import Certificates, tls_redis, tls_server
from waiting import wait_until

import taskkit
from taskkit.accounts.folder import Folder
from taskkit.stack.identity import free_port

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "deploy" / "hosts.md"
SLURM = ROOT / "docs" / "deploy" / "slurm.md"


def blocks(title: str, kind: str) -> list[str]:
    """Return the blocks of a kind in a section of the page."""
    text = PAGE.read_text(encoding="utf-8")
    [section] = re.findall(rf"^## {title} ✓\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    found: list[str] = re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    return found


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder that stands for /etc/taskkit and the like, and two ports."""

    folder: Path
    redis_port: int
    server_port: int

    @property
    def etc(self) -> Path:
        """In place of /etc/taskkit."""
        return self.folder / "etc"

    def here(self, text: str) -> str:
        """Return what the page says, for this machine."""
        for there, ours in (
            ("/etc/taskkit", str(self.etc)),
            ("/var/lib/taskkit", str(self.folder / "var")),
            ("https://taskkit.lab", f"http://127.0.0.1:{self.server_port}"),
            ("http://127.0.0.1:5000", f"http://127.0.0.1:{self.server_port}"),
            ("10.0.0.1:6380", f"127.0.0.1:{self.redis_port}"),
            ("10.0.0.1", "127.0.0.1"),
            ("rsa:3072", "rsa:2048"),
        ):
            text = text.replace(there, ours)
        return text

    def environment(self, **more: str) -> dict[str, str]:
        """Return variables with the commands of this installation first."""
        mine = {name: value for name, value in os.environ.items() if "TASKKIT" not in name}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**mine, "PATH": path, "HOME": str(self.folder), **more}

    def sh(self, text: str) -> str:
        """Run a block of the page; return what it prints."""
        ran = subprocess.run(
            ["sh", "-eu", "-c", self.here(text)],
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One with the page's certificates and accounts."""
    tls_server()
    made = Machine(tmp_path, free_port(), free_port())
    [certificates] = blocks("Certificates", "sh")
    made.sh(certificates)
    accounts, _of_users = blocks("Accounts", "sh")
    assert "gpu1" in made.sh(accounts)
    return made


@pytest.fixture
def running(machine: Machine) -> Iterator[Machine]:
    """It with Redis and the server, as the page sets them up."""
    conf = (ROOT / "deploy" / "systemd" / "redis.conf").read_text()
    [aclfile] = re.findall(r"^aclfile .*$", conf, re.MULTILINE)
    certificates = Certificates(machine.etc / "tls")
    with tls_redis(
        machine.folder / "redis", certificates, machine.here(aclfile), port=machine.redis_port
    ):
        [settings] = blocks("Server", "toml")
        file = machine.etc / "taskkit.toml"
        file.write_text(machine.here(settings))
        (machine.folder / "var" / "blobs").mkdir(parents=True)
        server = subprocess.Popen(
            ["taskkit", "server", "--config", str(file), "--port", str(machine.server_port)],
            executable=shutil.which("taskkit", path=str(Path(sys.executable).parent)),
            env=machine.environment(
                TASKKIT_REDIS_URL_FILE=str(machine.etc / "accounts" / "server.url"),
                TASKKIT_SIGNING_KEYS_FILE=str(machine.etc / "signing.keys"),
            ),
            stderr=(machine.folder / "server.log").open("ab"),
        )
        try:
            wait_until(lambda: is_ready(machine))
            yield machine
        finally:
            server.terminate()
            server.wait(30)


def is_ready(machine: Machine) -> bool:
    """Return whether its server works."""
    url = f"http://127.0.0.1:{machine.server_port}/health/ready"
    with suppress(urllib3.exceptions.HTTPError):
        return urllib3.request("GET", url, retries=False, timeout=2).status == 200
    return False


def test_a_worker_joins_and_runs_jobs_as_the_page_says(running: Machine) -> None:
    """Certificates, accounts, server, token, doctor, worker, job, a large value, revocation."""
    machine = running
    [_units, token] = blocks("Server", "sh")
    printed = machine.sh(token)
    [secret] = re.findall(r"TASKKIT_TOKEN=(\S+)", printed)
    private(machine.etc / "worker.token", secret)
    private(machine.etc / "gpu1.url", (machine.etc / "accounts" / "gpu1.url").read_text())
    [settings] = blocks("A worker's host", "toml")
    (machine.etc / "taskkit.toml").write_text(machine.here(settings))
    doctor, worker, _units = blocks("A worker's host", "sh")
    told = subprocess.run(
        ["sh", "-c", machine.here(doctor)],
        env=machine.environment(),
        cwd=machine.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    [persistence] = [line for line in told.stdout.splitlines() if "persistence" in line]
    assert "does not tell" in " ".join(told.stdout.split()), told.stdout
    assert "certificate" not in persistence
    with subprocess.Popen(
        ["sh", "-c", f"exec env {machine.here(worker).replace(chr(92), '')}".replace("\n", " ")],
        env=machine.environment(),
        cwd=machine.folder,
        stderr=(machine.folder / "worker.log").open("ab"),
    ) as process:
        try:
            url = f"http://127.0.0.1:{machine.server_port}"
            with taskkit.Client(url, (machine.etc / "token").read_text().strip()) as client:
                large = b"x" * 3_000_000
                assert client.submit(lambda value: value[::-1], large).result(90) == large
                assert client.options(queue="gpu").submit(abs, -1).result(90) == 1
            revoke = re.findall(r"^taskkit account revoke .*$", PAGE.read_text(), re.MULTILINE)
            of_gpu1 = revoke[0].replace("gpu2", "gpu1").partition("#")[0]
            machine.sh(f"{of_gpu1} --folder /etc/taskkit/accounts")
            log = machine.folder / "worker.log"
            wait_until(lambda: "does not take the name or the password" in log.read_text())
            assert set(Folder(machine.etc / "accounts").accounts()) == {"admin", "server", "backup"}
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()


def private(path: Path, secret: str) -> None:
    """Write a file of mode 0600."""
    path.touch(mode=0o600)
    path.write_text(f"{secret.strip()}\n")


def test_the_commands_for_later_are_commands(machine: Machine) -> None:
    """With `--offline`, for no Redis runs here."""
    text = PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^taskkit account (?:create|rotate|update|revoke) .*$", text, re.MULTILINE)
    later = [line for line in lines if "--redis-ca-file" in line]
    assert len(later) == 4
    for line in later:
        machine.sh(f"{line.partition('#')[0]} --folder /etc/taskkit/accounts --offline")


@pytest.mark.parametrize("page", [PAGE, SLURM])
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """Pages, scripts and units."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for target in re.findall(r"(?<!tests/)(deploy/[\w./@-]+)", text):
        assert (ROOT / target).exists(), target
    for target in re.findall(r"(tests/[\w./]+\.py)", text):
        assert (ROOT / target).exists(), target
