"""Real virtual environments that differ in one package, with kernels and workers in them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from wheels import write_wheel

import taskkit

LIMIT_S = 120

TINYLAB = """\
VERSION = {version!r}


def where():
    import sys

    return sys.prefix, VERSION


def only_in_{major}():
    return VERSION
"""


def make_environment(folder: Path, version: str) -> Path:
    """Make an environment with all packages of this one and this version of `tinylab`."""
    python = os.path.realpath(sys.executable)
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=LIMIT_S)
    [site] = folder.glob("lib/python3*/site-packages")
    shared = sysconfig.get_paths()["purelib"]
    # `addsitedir`, for the editable install of taskkit is a .pth file itself.
    (site / "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")
    text = TINYLAB.format(version=version, major=version.partition(".")[0])
    with zipfile.ZipFile(write_wheel(folder, "tinylab", version, {"tinylab.py": text})) as wheel:
        wheel.extractall(site)
    return folder


class Lab:
    """A queue of a stack, for workers and kernels of such environments."""

    def __init__(self, stack: taskkit.LocalStack, queue: str, folder: Path) -> None:
        self.stack = stack
        self.queue = queue
        self._folder = folder
        self._processes: list[subprocess.Popen[str]] = []

    def start_worker(self, environment: Path) -> None:
        """Start a worker; it need not be there yet."""
        variables = {**os.environ, "TASKKIT_REDIS_URL": self.stack.redis_url}
        if keys := self.stack.signing_keys_file:
            variables["TASKKIT_SIGNING_KEYS_FILE"] = str(keys)
        command = ["-m", "taskkit_worker", "--concurrency", "1", "--queues", self.queue]
        with (self._folder / f"{environment.name}-worker.log").open("w") as log:
            self._processes.append(
                subprocess.Popen(
                    [environment / "bin/python", *command],
                    env=variables,
                    cwd=self._folder,
                    stdout=log,
                    stderr=log,
                    text=True,
                )
            )

    def has_workers(self, number: int) -> bool:
        """Return whether so many serve the queue, and say what they have."""
        with taskkit.Client(self.stack.url, self.stack.token) as client:
            there = [worker for worker in client.workers() if self.queue in worker.queues]
        return len([worker for worker in there if worker.environment]) == number

    def start_kernel(self, environment: Path, code: str) -> subprocess.Popen[str]:
        """Run code as a script of an environment's, with `client` and `tinylab`."""
        head = (
            "import sys, warnings, taskkit, tinylab\n"
            "warnings.simplefilter('always')\n"
            "client = taskkit.Client(*sys.argv[1:3]).options(queue=sys.argv[3])\n"
        )
        script = self._folder / f"{environment.name}-{len(self._processes)}.py"
        script.write_text(head + code)
        told = (self.stack.url, self.stack.token, self.queue)
        kernel = subprocess.Popen(
            [environment / "bin/python", script, *told],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            text=True,
        )
        self._processes.append(kernel)
        return kernel

    def run_kernel(self, environment: Path, code: str) -> tuple[str, str]:
        """Return what such code printed, and what was printed to stderr."""
        out, errors = self.start_kernel(environment, code).communicate(timeout=LIMIT_S)
        return out.strip(), errors

    def stop(self) -> None:
        """End all that was started here."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(LIMIT_S)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
