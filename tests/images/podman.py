"""A podman of the tests' own: its settings, images and containers are in one folder, and nothing of
the machine's own is changed.

All of it runs in namespaces of its own (`apart`): of processes, so that nothing outlives the test
run, however that ends; of mounts, with a /run and a /dev/shm that go with it; and, where containers
run, of networks, so that bridges, rules and ports are nobody else's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "images"
"""Images stay there from one run to the next."""

ENVIRONMENT = {
    "CONTAINERS_CONF": str(FOLDER / "containers.conf"),
    "CONTAINERS_STORAGE_CONF": str(FOLDER / "storage.conf"),
    "CONTAINERS_REGISTRIES_CONF": str(FOLDER / "registries.conf"),
    "BUILDAH_FORMAT": "docker",  # the other one has no health checks
    "TMPDIR": str(FOLDER / "tmp"),
}

CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""

STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "/run/containers/storage"
"""

APART = """\
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
ip link set lo up 2>/dev/null || true
"$@"
exit $?
"""
"""What the first process of the namespaces does; it waits for whatever is left to it, too."""


def missing() -> str:
    """Return what stands in the way of podman here; "" where nothing does."""
    if sys.platform != "linux" or os.getuid() != 0:
        return "only root, on Linux, runs these tests"
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    wanted = ("podman", "runc", "iptables", "ip", "unshare", "mmdebstrap")
    absent = [name for name in wanted if shutil.which(name, path=path) is None]
    absent += [
        name for name in ("netavark", "aardvark-dns") if not Path("/usr/lib/podman", name).exists()
    ]
    return f"{', '.join(absent)} not found: sh tools/podman.sh" if absent else ""


def prepare() -> None:
    """Write the settings."""
    (FOLDER / "tmp").mkdir(parents=True, exist_ok=True)
    (FOLDER / "containers.conf").write_text(CONTAINERS_CONF.format(folder=FOLDER))
    (FOLDER / "storage.conf").write_text(STORAGE_CONF.format(folder=FOLDER))
    # No registry is asked for an image.
    (FOLDER / "registries.conf").write_text("unqualified-search-registries = []\n")


def apart(*command: str, network: bool) -> list[str]:
    """Return a command that runs this one in namespaces of its own.

    network: whether it has the machine's network; else it has one with nobody else in it.
    """
    kinds = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc"]
    kinds += [] if network else ["--net"]
    return ["unshare", *kinds, "sh", "-euc", APART, "sh", *command]


def podman(*words: str, timeout_s: float = 120, check: bool = True) -> str:
    """Run podman; return what it prints."""
    done = subprocess.run(
        ["podman", *words],
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"podman {' '.join(words)}: {done.returncode}\n{done.stderr}")
    return done.stdout


def inspected(name: str, kind: str = "container") -> dict[str, Any]:
    """Return what podman knows of a container or an image."""
    [told] = json.loads(podman("inspect", "--type", kind, name))
    return dict(told)
