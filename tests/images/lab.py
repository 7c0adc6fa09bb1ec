"""deploy/compose as a lab runs it: its folder, its commands by podman-compose, its containers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
from building import VALKEY
from podman import ENVIRONMENT, ROOT, inspected, podman
from waiting import wait_until

import taskkit

URL = "http://127.0.0.1:5000"

FINISH = "finish_s = 30.0"
"""The one thing that tests do not wait for."""


class Lab:
    """One; it has a copy of the folder, so that the repository has no secrets."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(ROOT / "deploy", folder / "deploy")
        self.folder = folder / "deploy" / "compose"
        (self.folder / ".env").write_text(f"LAB_VALKEY_IMAGE={VALKEY}\n")
        told = (self.folder / "taskkit.toml").read_text()
        assert FINISH in told
        (self.folder / "taskkit.toml").write_text(told.replace(FINISH, "finish_s = 2.0"))
        subprocess.run(["sh", "secrets.sh"], cwd=self.folder, check=True, timeout=30)
        self.token = (self.folder / "secrets" / "token").read_text().strip()

    def compose(self, *words: str, timeout_s: float = 150) -> str:
        """Run podman-compose; return what it prints."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("podman-compose")), *words],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the variables by which podman is this test run's own."""
        return {**os.environ, **ENVIRONMENT}

    def up(self, workers: int = 1) -> None:
        """Bring it up, with so many workers."""
        self.compose("up", "--detach", "--no-build", "--scale", f"worker={workers}")

    def containers(self, service: str) -> list[str]:
        """Return the names of a service's containers that run."""
        told = f"label=com.docker.compose.service={service}"
        return sorted(podman("ps", "--filter", told, "--format", "{{.Names}}").split())

    def is_healthy(self, container: str) -> bool:
        """Return what the container's own check finds."""
        return "unhealthy" not in podman("healthcheck", "run", container, check=False)

    def crash(self, service: str) -> None:
        """Kill the first process of a service's first container; podman is not asked."""
        os.kill(self.first_process(self.containers(service)[0]), signal.SIGKILL)

    def first_process(self, container: str) -> int:
        """Return the container's PID 1, as it is called outside."""
        return int(inspected(container)["State"]["Pid"])

    def below(self, container: str) -> list[int]:
        """Return the processes of a container but its first."""
        first = psutil.Process(self.first_process(container))
        return [process.pid for process in first.children(recursive=True)]

    def all(self) -> list[str]:
        """Return the names of all containers that run."""
        return sorted(podman("ps", "--format", "{{.Names}}").split())

    def blobs(self) -> Path:
        """Return where the volume with large values is."""
        told = podman("volume", "inspect", "--format", "{{.Mountpoint}}", "taskkit_blobs")
        return Path(told.strip())

    def address(self, container: str, network: str) -> str:
        """Return a container's address in a network."""
        networks = inspected(container)["NetworkSettings"]["Networks"]
        return str(networks[network]["IPAddress"])

    def token_of(self, user: str, scopes: str) -> str:
        """Make a token for a user, as docs/deploy/compose.md says."""
        command = ("taskkit", "token", "create", "--user", user, "--scope", scopes, "--json")
        return str(json.loads(self.compose("exec", "-T", "server", *command))["token"])

    @contextmanager
    def client(self, token: str | None = None) -> Iterator[taskkit.Client]:
        """A notebook's client."""
        with closing(taskkit.Client(URL, token or self.token)) as made:
            yield made

    def wait_until_it_serves(self) -> None:
        """Return when the server answers its health check."""
        [server] = self.containers("server")
        wait_until(lambda: self.is_healthy(server), look_every_s=0.2)
