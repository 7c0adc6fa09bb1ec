"""What `taskkit doctor` tells, run as a command of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import taskkit
from taskkit.private import read_private, write_private

LIMIT_S = 90
COMMAND = (sys.executable, "-m", "taskkit", "doctor")

UNTOLD = ("TASKKIT_URL", "TASKKIT_TOKEN", "TASKKIT_REDIS_URL", "TASKKIT_PROGRESS", "TASKKIT_BLOBS")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Told:
    """What it said, by hop."""

    code: int
    hops: Mapping[str, Mapping[str, Any]]

    def verdict(self, hop: str) -> str:
        """Return how a hop is."""
        return str(self.hops[hop]["verdict"])

    def of(self, verdict: str) -> list[str]:
        """Return the hops that are so."""
        return [hop for hop, found in self.hops.items() if found["verdict"] == verdict]

    def check_broken(self, hop: str, said: str, cure: str) -> None:
        """It is this hop alone, in these words, and the exit code tells."""
        assert self.of("broken") == [hop]
        self.check_words(hop, said, cure)
        assert self.code == 1

    def check_caution(self, hop: str, said: str, cure: str) -> None:
        """It is this hop, nothing is broken, and the exit code tells."""
        assert hop in self.of("caution")
        self.check_words(hop, said, cure)
        assert self.of("broken") == []
        assert self.code == 0

    def check_words(self, hop: str, said: str, cure: str) -> None:
        """These words are among those of a hop."""
        assert said in self.hops[hop]["said"]
        assert cure in self.hops[hop]["cure"]

    def check_unreached_from(self, hop: str) -> None:
        """Nothing on the way from this hop on was reached, its clocks and disks apart."""
        way = list(self.hops)
        behind = way[way.index(hop) : way.index("clocks")]
        assert [one for one in behind if self.verdict(one) != "not reached"] == []


class Doctor:
    """Runs the command where no stack of the user's can be met."""

    def __init__(self, home: Path, secrets: tuple[str, ...] = ()) -> None:
        self.home = home
        self.secrets = secrets
        #: What may never be printed.

    def runtime(self) -> Path:
        """Return the folder of the connection file."""
        folder = self.home / "run" / "taskkit"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def look(self, **environment: str) -> Told:
        """Return what it tells to programs."""
        ran = self.run("--json", **environment)
        assert ran.stderr == ""
        hops = json.loads(ran.stdout)["hops"]
        return Told(ran.returncode, {found["hop"]: found for found in hops})

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it with these variables; no secret may be in what it prints."""
        ran = subprocess.run(
            [*COMMAND, *words],
            env={**self.surroundings(), **environment},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        known = (*self.secrets, environment.get("TASKKIT_TOKEN", ""))
        for secret in filter(None, known):
            assert secret not in ran.stdout + ran.stderr
        return ran

    def surroundings(self) -> dict[str, str]:
        """Return the variables of a process that knows of no stack and no proxy."""
        hidden = {*UNTOLD, *PROXIES, *map(str.upper, PROXIES)}
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        folders = {"XDG_RUNTIME_DIR": str(self.home / "run"), "XDG_DATA_HOME": str(self.home)}
        return {**kept, **folders, "COLUMNS": "80"}


def of_stack(stack: taskkit.LocalStack) -> dict[str, str]:
    """Return the variables that name a stack."""
    return {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}


def settle(doctor: Doctor, stack: taskkit.LocalStack) -> None:
    """Have the run folder tell of a stack."""
    told = read_private(stack._running().folders.run / "stack.json")
    assert told is not None
    write_private(doctor.runtime() / "stack.json", told)
    connection = {"url": stack.url, "token": stack.token, "pid": told["pid"]}
    write_private(doctor.runtime() / "connection.json", connection)
    doctor.secrets = (stack.token, stack.redis_url.partition("@")[0].rpartition(":")[2])
