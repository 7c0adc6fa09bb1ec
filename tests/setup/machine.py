"""A machine that has only the programs that a test puts there, and a checkout on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SYSTEM = ("sh", "env", "cat", "cksum", "cp", "cut", "date", "dirname", "mkdir", "rm")
"""What the scripts may count on beside the programs that they look for."""

# Only what changes something is recorded, not the questions that a Python answers.
STUB = """\
#!/bin/sh
{answers}
echo "{name} $*" >>"{calls}"
case " $* " in *" create "* | *" venv "*) mkdir -p .env/bin && cp "{python}" .env/bin/python ;; esac
{script}
"""

# They are answered by this real Python, which was told another version.
ANSWERS = """\
if [ "$1" = -c ]; then
    case "$2" in
    "import uv") exit 0 ;;
    "import ensurepip, venv") exit {lacks_ensurepip} ;;
    esac
    exec "{real}" -c "import platform, sys
sys.version_info = tuple(map(int, '{version}'.split('.')))
platform.python_version = lambda: '{version}'
$2"
fi
"""


class Machine:
    """A checkout, a PATH of stubs, and a record of how they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "checkout"
        self.bin = folder / "bin"
        self._calls = folder / "calls"
        self._env_python = folder / "env-python"
        self.bin.mkdir()
        self.root.mkdir()
        for name in ("pyproject.toml", "environment.yml", "requirements.lock"):
            shutil.copy(ROOT / name, self.root)
        for name in ("tools", ".ci"):
            shutil.copytree(ROOT / name, self.root / name)
        for name in SYSTEM:
            found = shutil.which(name)
            assert found, f"this machine has no {name}"
            (self.bin / name).symlink_to(found)
        self._write(self._env_python, "", _answers("3.11.7"))

    @property
    def calls(self) -> list[str]:
        """The stubs' command lines so far, oldest first, with paths relative to the folder."""
        text = self._calls.read_text() if self._calls.exists() else ""
        return text.replace(f"{self.folder}/", "").splitlines()

    def has(self, *names: str, script: str = "") -> None:
        """Put programs on PATH that make environments where asked to, and then run `script`."""
        for name in names:
            self._write(self.bin / name, script)

    def has_python(
        self, name: str = "python3", version: str = "3.11.7", *, lacks_ensurepip: bool = False
    ) -> None:
        """Put an interpreter on PATH that says it is of `version`."""
        self._write(self.bin / name, "", _answers(version, lacks_ensurepip=lacks_ensurepip))

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout, with nothing of this machine's environment."""
        return subprocess.run(
            command,
            cwd=self.root,
            env={"PATH": str(self.bin), **variables},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def make_env(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run tools/env.sh."""
        return self.run("sh", "tools/env.sh", **variables)

    def _write(self, path: Path, script: str, answers: str = "") -> None:
        path.write_text(
            STUB.format(
                name=path.name,
                answers=answers,
                calls=self._calls,
                python=self._env_python,
                script=script,
            )
        )
        path.chmod(0o755)


def _answers(version: str, *, lacks_ensurepip: bool = False) -> str:
    return ANSWERS.format(
        real=sys.executable, version=version, lacks_ensurepip=int(lacks_ensurepip)
    )
