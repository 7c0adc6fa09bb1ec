"""The release before this one: its code, run in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

KEPT = Path(__file__).with_name("release_before.tar.xz")


class Before:
    """Runs Python with the code of the release before, and the packages of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, **variables: str) -> dict[str, str]:
        """Return what has Python find its code first."""
        paths = (self.folder, self.folder / "server", self.folder / "worker")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TASKKIT_")}
        return inherited | {"PYTHONPATH": os.pathsep.join(map(str, paths))} | variables

    def run(self, code: str, **variables: str) -> Any:
        """Run code to its end; return what it prints last, as JSON."""
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment(**variables),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    @contextmanager
    def begun(self, *command: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
        """Run a program until the block ends; then have it end by itself."""
        with subprocess.Popen(
            [sys.executable, *command],
            env=self.environment(**variables),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
                process.wait(30)

    @contextmanager
    def stack(self, data: Path, *, has_worker: bool = True) -> Iterator[Mapping[str, str]]:
        """Run a stack of it; give what a client is told by variables, and `redis_url`."""
        parts = "" if has_worker else ", plan=lambda *args: plan_parts(*args)[:-1]"
        code = (
            "import json, sys, taskkit\n"
            "from taskkit.stack.parts import plan_parts\n"
            f"with taskkit.LocalStack(workers=1, data_dir={str(data)!r}{parts}) as stack:\n"
            "    told = {'TASKKIT_URL': stack.url, 'TASKKIT_TOKEN': stack.token}\n"
            "    told['redis_url'] = stack.redis_url\n"
            "    print(json.dumps(told), flush=True)\n"
            "    sys.stdin.read()\n"
        )
        with self.begun("-c", code) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            yield json.loads(process.stdout.readline())
            process.stdin.close()
            assert process.wait(60) == 0


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Before:
    """Return the release before."""
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(KEPT) as tar:
        tar.extractall(folder, filter="data")
    found = Before(folder)
    assert found.run("import json, taskkit; print(json.dumps(taskkit.__file__))").startswith(
        str(folder)
    )
    return found
