"""What a conda tool does with an environment.yml, as far as tools/env.sh relies on it.

Run as ``conda_tool.py TOOL PYTHON ARGUMENT…``: it takes the commands that the tool itself takes,
reads the file as strictly as conda's own kin, makes the environment from PYTHON, and has pip
install the rest as conda does: from a file of its own beside environment.yml, in that folder.
Packages in a folder that CONDA_TOOL_HAS names are there from the start.
"""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import yaml
from rattler import MatchSpec, Version, VersionSpec

COMMANDS = {"conda": ["env", "create"], "mamba": ["env", "create"], "micromamba": ["create"]}
MEMBERS = {"name", "channels", "dependencies", "prefix", "variables"}


def refuse(words: str) -> NoReturn:
    """End as a command that was called wrongly."""
    sys.exit(f"conda_tool: {words}")


def options(tool: str, told: list[str]) -> tuple[Path, Path]:
    """Return prefix and file of a command line."""
    command = COMMANDS[tool]
    if told[: len(command)] != command:
        refuse(f"{tool} has no command {told}")
    pairs = dict(zip(told[len(command) :: 2], told[len(command) + 1 :: 2], strict=True))
    if pairs.keys() != {"--prefix", "--file"}:
        refuse(f"{tool} wants --prefix and --file, not {sorted(pairs)}")
    prefix, file = Path(pairs["--prefix"]), Path(pairs["--file"])
    if not prefix.is_absolute():  # older versions of micromamba take it for a name
        refuse(f"{prefix} is taken for the name of an environment")
    if prefix.exists():  # else they ask whether it is to be removed, or refuse
        refuse(f"{prefix} exists")
    return prefix, file


def parts(file: Path, python: str) -> list[str]:
    """Return pip's lines of an environment.yml; conda's part must be Python and pip."""
    content: Any = yaml.safe_load(file.read_text())
    if not content["channels"] or content.keys() - MEMBERS:
        refuse(f"{file.name} has other members than conda knows: {sorted(content)}")
    *specs, last = content["dependencies"]
    if not isinstance(last, dict) or list(last) != ["pip"]:
        refuse("there is no part for pip, or not at the end")
    found = {spec.name.normalized: spec for spec in (MatchSpec(s, strict=True) for s in specs)}
    if "pip" not in found:
        refuse("pip's part wants pip itself among conda's packages")
    version = found["python"].version
    if version is not None and not VersionSpec(str(version)).matches(Version(python)):
        refuse(f"Python {python} is not within {version}")
    return [str(line) for line in last["pip"]]


def make(prefix: Path, python: str) -> Path:
    """Make an environment with pip in it, and return its Python."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(prefix)], check=True)
    (prefix / "conda-meta").mkdir()
    [site] = prefix.glob("lib/python3*/site-packages")
    [wheel] = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    there = os.environ.get("CONDA_TOOL_HAS", "")
    (site / "pip.pth").write_text(f"{wheel}\n{there}\n")  # it runs from there, as by ensurepip
    return prefix / "bin" / "python"


def main(tool: str, python: str, told: list[str]) -> None:
    """Create the environment."""
    prefix, file = options(tool, told)
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    lines = parts(file, version)
    interpreter = make(prefix, python)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".requirements.txt") as wanted:
        wanted.write("\n".join(lines) + "\n")
        wanted.flush()
        install = ["-m", "pip", "install", "-U", "-r", wanted.name, "--exists-action=b"]
        done = subprocess.run([str(interpreter), *install], cwd=file.parent, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
