"""Hosts of the test's own: network namespaces, each joined to this one by a cable (veth)."""

from __future__ import annotations

import os
import shutil
import subprocess
from types import TracebackType
from typing import Self


class Host:
    """A network namespace; a context manager. Needs root and iproute2."""

    def __init__(self, number: int) -> None:
        self._name = f"tk{os.getpid()}n{number}"
        short = f"tk{os.getpid() % 100_000}"  # an interface's name has 15 characters at most
        self._near, self._far = f"{short}a{number}", f"{short}b{number}"
        self.address = f"10.231.{number}.1"
        #: This side of its cable.
        self._far_address = f"10.231.{number}.2"
        self.prefix = ("ip", "netns", "exec", self._name)
        #: Before a command that shall run there.

    def __enter__(self) -> Self:
        self._ip("netns", "add", self._name)
        self._ip("link", "add", self._near, "type", "veth", "peer", self._far)
        self._ip("link", "set", self._far, "netns", self._name)
        self._ip("addr", "add", f"{self.address}/24", "dev", self._near)
        self._ip("link", "set", self._near, "up")
        self._ip("-n", self._name, "addr", "add", f"{self._far_address}/24", "dev", self._far)
        self._ip("-n", self._name, "link", "set", self._far, "up")
        self._ip("-n", self._name, "link", "set", "lo", "up")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        subprocess.run(["ip", "link", "del", self._near], check=False)
        subprocess.run(["ip", "netns", "del", self._name], check=False)

    def cut_off(self) -> None:
        """Unplug the cable."""
        self._ip("link", "set", self._near, "down")

    def join_again(self) -> None:
        """Plug it in."""
        self._ip("link", "set", self._near, "up")

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True)


def why_not() -> str:
    """Return why hosts cannot be made here, or "" where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    name = f"tk{os.getpid()}try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return ""
