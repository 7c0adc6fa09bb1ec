"""Builds the images: taskkit's own, and what stands in for those that no registry gives here."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from podman import ENVIRONMENT, FOLDER, ROOT, inspected, podman

from taskkit import __version__

PYTHON = "localhost/python:3.11-slim"
VALKEY = "localhost/valkey:of-the-tests"
SERVER, WORKER = (f"localhost/taskkit-{part}:{__version__}" for part in ("server", "worker"))

PACKAGES = "scikit-learn"
"""What the quick-start notebook's jobs import."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

OPTIONS = ("--pull=never", "--network=host", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro")
"""By which a build has this machine's network, and the certificates that it trusts."""

Note = Callable[[str, str], None]
"""Is told a figure's name and what it is."""


def build(note: Note) -> None:
    """Build all of them, those anew that changed."""
    with timed(note, "base image, made of Debian's packages"):
        _python()
    with timed(note, "Valkey's stand-in"):
        _build(VALKEY, "tests/images/valkey.Dockerfile")
    with timed(note, "server and worker, built by deploy/images/build.sh"):
        _build_ours("")
    podman("tag", WORKER, f"{WORKER}-plain")
    with timed(note, f"the same with {PACKAGES} for jobs"):
        _build_ours(PACKAGES)
    base = _megabytes(PYTHON)
    note("base image, size", f"{base} MB")
    for what, image in {
        "server": SERVER,
        "worker": f"{WORKER}-plain",
        f"worker with {PACKAGES}": WORKER,
    }.items():
        size = _megabytes(image)
        note(f"{what} image, size", f"{size} MB, {size - base} MB on its base")


@contextmanager
def timed(note: Note, what: str) -> Iterator[None]:
    """Note how long the block takes."""
    began = time.monotonic()
    yield
    note(what, f"{time.monotonic() - began:.1f} s")


def _megabytes(image: str) -> int:
    return round(inspected(image, "image")["Size"] / 1e6)


def _python() -> None:
    """Make what stands in for docker.io/library/python:3.11-slim: Debian, with its Python."""
    if podman("images", "--quiet", PYTHON):
        return
    archive = FOLDER / "python.tar"
    without = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
    packages = "--include=ca-certificates,python3,python3-venv"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", packages, *without, "bookworm"]
    told = {**os.environ, **ENVIRONMENT}
    subprocess.run([*command, str(archive)], env=told, check=True, timeout=600)
    podman("import", "--quiet", str(archive), PYTHON, timeout_s=300)
    archive.unlink()


def _build(image: str, file: str) -> None:
    told = (f"--file={file}", f"--tag={image}", f"--build-arg=PYTHON_IMAGE={PYTHON}")
    podman("build", "--quiet", *OPTIONS, *told, str(ROOT), timeout_s=600)


def _build_ours(packages: str) -> None:
    """Build as a lab does."""
    told = {"ENGINE": "podman", "PYTHON_IMAGE": PYTHON, "PACKAGES": packages}
    done = subprocess.run(
        ["sh", "deploy/images/build.sh", "--quiet", *OPTIONS],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT, **told},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout


def noted(name: str, value: str) -> None:
    """Say a figure, and add it to those that are printed in the end."""
    print(f"images: {name}: {value}", flush=True)
    with Path(os.environ["TASKKIT_IMAGES_FIGURES"]).open("a") as file:
        file.write(f"  {name:<58} {value}\n")


if __name__ == "__main__":
    build(noted)
