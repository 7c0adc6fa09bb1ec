"""Wheel and source archive, and environments with them that know nothing of this clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"

IS_ASKED_FOR = "TASKKIT_RELEASE_CHECK" in os.environ
"""Whether dist/ is judged, by `make release-check`."""

EPOCH = "1750000000"
"""When the builds of tests say that they were made."""


def build(source: Path, into: Path, *kinds: str, epoch: str = EPOCH) -> list[Path]:
    """Build what is named, `wheel` or `sdist`, of a source tree; return the files."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(into)]
    targets = [part for kind in kinds for part in ("--target", kind)]
    done = subprocess.run(
        [*command, *targets],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return sorted(into.iterdir())


class Installed:
    """A virtual environment, an empty folder to work in, and a home that nobody has used.

    What runs in it has neither this clone nor the variables of who runs the tests.
    """

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        self.folder = folder
        self.prefix = folder / "venv"
        self.home, self.work, self.temporary = (folder / n for n in ("home", "work", "tmp"))
        for made in (self.home, self.work, self.temporary):
            made.mkdir(parents=True)
        self._uv("venv", "--python", python, str(self.prefix))
        self.path = os.pathsep.join([str(self.prefix / "bin"), "/usr/bin", "/bin"])

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.prefix / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where what is installed goes."""
        return next(self.prefix.glob("lib/python*/site-packages"))

    def install(self, *what: str) -> None:
        """Install as a user would, by name from the registry that this machine is set up for."""
        self._uv("pip", "install", "--python", str(self.python), *what)

    def uninstall(self, name: str) -> None:
        """Remove one package."""
        self._uv("pip", "uninstall", "--python", str(self.python), name)

    def lean_on_the_tests(self) -> None:
        """Let it find what the tests' environment has, where it has none of its own.

        A path file's lines are not read in the folder that it names: so not this clone, which is
        installed there by one.
        """
        (self.packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(
        self, *command: str, limit_s: float = 120, fails: bool = False, path: str | None = None
    ) -> str:
        """Run a program of it; return what it printed. `fails`: it is to end with a status."""
        program = self.prefix / "bin" / command[0]
        done = subprocess.run(
            [str(program), *command[1:]],
            cwd=self.work,
            env=self._environment(path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, f"{command}: {done.returncode}\n{said}"
        return said

    def processes(self) -> list[str]:
        """Return the command lines that name a place of it: what still runs."""
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                here = process.cwd()
            except psutil.Error:
                continue
            if str(self.folder) in line or here.startswith(str(self.folder)):
                found.append(line)
        return found

    def _environment(self, path: str | None) -> dict[str, str]:
        return {
            "PATH": self.path if path is None else path,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "PYTHONNOUSERSITE": "1",
        }

    def _uv(self, *command: str) -> None:
        done = subprocess.run(
            [str(UV), *command, "--quiet"],
            cwd=self.folder,
            env={n: v for n, v in os.environ.items() if n not in ("VIRTUAL_ENV", "PYTHONPATH")},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"


@contextmanager
def installed(folder: Path, python: str = sys.executable) -> Iterator[Installed]:
    """An environment; in the end nothing of it runs, and its folder is gone."""
    made = Installed(folder, python)
    try:
        yield made
    finally:
        if (made.prefix / "bin" / "taskkit").exists() and made.processes():
            made.run("taskkit", "down")
        shutil.rmtree(folder)
