"""A checkout that is so small that its environment is really made, by real tools, in seconds.

Its lock holds wheels that the test wrote, with their hashes; nothing comes from a network.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from machine import ROOT, Machine
from waiting import wait_until
from wheels import pin, write_wheel

TOOL = Path(__file__).with_name("conda_tool.py")

BACKEND = '''\
"""Builds the project, without a package that would have to be there."""

import zipfile


def build_editable(folder, config_settings=None, metadata_directory=None):
    info = "small-1.0.dist-info"
    members = {
        "small.pth": SOURCE + "\\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: small\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/RECORD": "",
    }
    name = "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as file:
        for path, text in members.items():
            file.writestr(path, text)
    return name
'''

PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["building"]

[project]
name = "small"
version = "1.0"
requires-python = ">=3.11,<3.14"
"""

LIMIT_S = 120


class SmallCheckout(Machine):
    """A checkout whose path has a space in it, and on PATH only what the test puts there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.root = self.root.rename(folder / "a check out")
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        (self.root / "pyproject.toml").write_text(PROJECT)
        (self.root / "building").mkdir()
        source = f"SOURCE = {str(self.root / 'source')!r}\n"
        (self.root / "building" / "backend.py").write_text(source + BACKEND)
        (self.root / "source").mkdir()
        (self.root / "source" / "small.py").write_text("WORDS = 'the project itself'\n")
        self.lock("1.0")
        command = [sys.executable, "tools/environment_yml.py"]
        subprocess.run(command, cwd=self.root, check=True, timeout=LIMIT_S)

    @property
    def env(self) -> Path:
        """Where the environment is, or would be."""
        return self.root / ".env"

    def lock(self, version: str) -> None:
        """Lock this version of `tinylab`."""
        wheel = write_wheel(
            self.wheels, "tinylab", version, {"tinylab.py": f"VERSION = '{version}'\n"}
        )
        uv = write_wheel(self.wheels, "uv", "1.0", {"uv.py": ""})  # by which env.sh knows its own
        (self.root / "requirements.lock").write_text(pin(wheel) + pin(uv))
        return wheel

    def has_conda(self, tool: str, *, before: str = "", after: str = "") -> None:
        """Put a conda tool on PATH, which runs `before`, makes environments, and runs `after`."""
        command = f'"{sys.executable}" "{TOOL}" {tool} "{sys.executable}" "$@"'
        script = (
            f"#!/bin/sh\necho {tool} $* >>'{self.record}'\n{before}\n{command} || exit\n{after}\n"
        )
        self.put(tool, script)

    def has_real(self, name: str, program: str) -> None:
        """Put a program of this machine on PATH."""
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).symlink_to(program)

    @property
    def record(self) -> Path:
        """Where the conda tools note how they were called."""
        return self.folder / "conda-calls"

    def conda_calls(self) -> list[str]:
        """Return their command lines, oldest first."""
        return self.record.read_text().splitlines() if self.record.exists() else []

    def variables(self, **given: str) -> dict[str, str]:
        """Return what the tools find in their environment: where wheels are, and no index."""
        wheels = str(self.wheels)
        return {
            "PATH": str(self.bin),
            "HOME": str(self.folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": wheels,
            "UV_OFFLINE": "1",
            "UV_FIND_LINKS": wheels,
            "UV_PYTHON_DOWNLOADS": "never",
            **given,
        }

    def make(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run tools/env.sh."""
        return subprocess.run(
            ["sh", "tools/env.sh"],
            cwd=self.root,
            env=self.variables(**variables),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def interrupt(self, when: Path, **variables: str) -> int:
        """Run tools/env.sh, press Ctrl-C once a file is there, and return its exit code."""
        process = subprocess.Popen(
            ["sh", "tools/env.sh"],
            cwd=self.root,
            env=self.variables(**variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_until(when.exists)
            os.killpg(process.pid, signal.SIGINT)
            return process.wait(LIMIT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def said_by(self, code: str) -> str:
        """Return what a line of Python prints in the environment."""
        done = subprocess.run(
            [self.env / "bin" / "python", "-c", code],
            cwd=self.folder,
            env={"PATH": str(self.bin)},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
        return done.stdout.strip()

    def put(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)


def real_python() -> str:
    """Return this Python itself, not that of an environment."""
    return os.path.realpath(sys.executable)


def real_uv() -> str:
    """Return the uv of the lock, which is where ./.env is."""
    found = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath]))
    assert found, f"{ROOT}/.env has no uv"
    return found
