"""`Network`: a server's host and worker hosts, each a network namespace joined to it by a cable."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from .cable import open_tap

NAME = "tkc"
"""How names of namespaces and interfaces begin here; the maker's pid and what it is follow."""


@dataclass(frozen=True, slots=True)
class Cable:
    """How a host is joined to the server's."""

    delay_s: float = 0.0
    #: One way.
    loss: float = 0.0
    #: Of all frames.

    @property
    def is_bad(self) -> bool:
        """Whether frames come late or not at all."""
        return self.delay_s > 0 or self.loss > 0


@dataclass(slots=True)
class Place:
    """One namespace."""

    name: str
    address: str
    plug: str = ""
    #: The server's side of its cable.
    cable: Cable = field(default_factory=Cable)

    @property
    def prefix(self) -> tuple[str, ...]:
        """Before a command that shall run there."""
        return ("ip", "netns", "exec", self.name)


class Network:
    """The hosts; a context manager, after which nothing is left of them. Needs root and iproute2.

    The server's host has one address for all, also for this namespace, which is the notebook's.
    What a killed run has left is removed first.
    """

    def __init__(self, cables: tuple[Cable, ...], seed: int = 0) -> None:
        self._pid = os.getpid()
        self._net = f"10.{100 + self._pid % 100}.{self._pid // 100 % 256}"
        self._seed = seed
        self._exits = ExitStack()
        self.server = Place(self._name("s"), f"{self._net}.1")
        self.workers = [
            Place(self._name(f"w{n}"), f"10.99.{n}.2", self._name(f"p{n}"), cable)
            for n, cable in enumerate(cables, 1)
        ]

    def __enter__(self) -> Self:
        remove_old()
        with self._exits as exits:
            self._add(exits, self.server)
            self._join_notebook(exits)
            for place in self.workers:
                self._add(exits, place)
                self._join(exits, place)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def cut_off(self, place: Place) -> None:
        """Unplug a worker's cable."""
        _ip("-n", self.server.name, "link", "set", place.plug, "down")

    def join_again(self, place: Place) -> None:
        """Plug it in."""
        _ip("-n", self.server.name, "link", "set", place.plug, "up")
        self._route(place)

    def round_trip_ms(self, place: Place) -> float | None:
        """Return how long the server's host takes to answer another; None: it does not."""
        code = (
            "import socket,sys,time\nb=time.monotonic()\n"
            "try: socket.create_connection((sys.argv[1],9),5)\n"
            "except ConnectionRefusedError: print((time.monotonic()-b)*1000)"
        )
        took = []
        for _ in range(5):
            ran = subprocess.run(
                [*place.prefix, sys.executable, "-c", code, self.server.address],
                capture_output=True,
                text=True,
                check=False,
            )
            took += [float(ran.stdout)] if ran.stdout.strip() else []
        return min(took, default=None)

    # Making

    def _name(self, what: str) -> str:
        return f"{NAME}{self._pid}{what}"  # an interface's has 15 characters at most

    def _add(self, exits: ExitStack, place: Place) -> None:
        exits.callback(remove, place.name)
        _ip("netns", "add", place.name)
        _ip("-n", place.name, "link", "set", "lo", "up")

    def _join_notebook(self, exits: ExitStack) -> None:
        near, far = self._name("n"), self._name("m")
        exits.callback(_try, "link", "del", near)
        _ip("link", "add", near, "type", "veth", "peer", far)
        _ip("link", "set", far, "netns", self.server.name)
        _ip("addr", "add", f"{self._net}.2/24", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", self.server.name, "addr", "add", f"{self.server.address}/24", "dev", far)
        _ip("-n", self.server.name, "link", "set", far, "up")

    def _join(self, exits: ExitStack, place: Place) -> None:
        far = f"{place.plug}f"
        if place.cable.is_bad:
            self._lay(exits, place, far)
        else:
            _ip("link", "add", place.plug, "type", "veth", "peer", far)
            _ip("link", "set", place.plug, "netns", self.server.name)
            _ip("link", "set", far, "netns", place.name)
        near = place.address.rpartition(".")[0] + ".1"
        _ip("-n", self.server.name, "addr", "add", f"{near}/24", "dev", place.plug)
        _ip("-n", self.server.name, "link", "set", place.plug, "up")
        _ip("-n", place.name, "addr", "add", f"{place.address}/24", "dev", far)
        _ip("-n", place.name, "link", "set", far, "up")
        self._route(place)

    def _route(self, place: Place) -> None:
        near = place.address.rpartition(".")[0] + ".1"
        _ip("-n", place.name, "route", "replace", f"{self.server.address}/32", "via", near)

    def _lay(self, exits: ExitStack, place: Place, far: str) -> None:
        ends = []
        for interface, home in ((place.plug, self.server.name), (far, place.name)):
            end = open_tap(interface)
            exits.callback(os.close, end)
            ends.append(end)
            _ip("link", "set", interface, "netns", home)
        words = [*map(str, ends), str(place.cable.delay_s), str(place.cable.loss), str(self._seed)]
        root = str(Path(__file__).parents[1])
        process = subprocess.Popen(
            [sys.executable, "-m", "cluster.cable", *words], pass_fds=ends, cwd=root
        )
        exits.callback(_end, process)


def remove(name: str) -> None:
    """Remove a namespace with all that runs in it."""
    ran = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
    for pid in map(int, ran.stdout.split()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _try("netns", "del", name)


def left_over() -> list[str]:
    """Return the namespaces of ours whose makers are gone."""
    ran = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    names = [line.split()[0] for line in ran.stdout.splitlines() if line.strip()]
    found = ((name, re.match(rf"{NAME}(\d+)[swt]", name)) for name in names)
    return [name for name, ours in found if ours and not psutil.pid_exists(int(ours[1]))]


def remove_old() -> None:
    """Remove what runs have left that were killed. Cables go with their hosts, but the notebook's
    is here, and would be for as long as the kernel takes to clear a host away."""
    for name in left_over():
        remove(name)
        _try("link", "del", re.sub(r"[swt]\d*$", "n", name))


def why_not() -> str:
    """Return why such a network cannot be made here, or ""."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces need Linux and root"
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    name = f"{NAME}{os.getpid()}t"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    _try("netns", "del", name)
    try:
        os.close(open_tap(name))
    except OSError as error:
        return f"no TAP device can be made: {error.strerror}"
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)


def _ip(*words: str) -> None:
    ran = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise OSError(f"ip {' '.join(words)}: {ran.stderr.strip()}")


def _try(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=False)
