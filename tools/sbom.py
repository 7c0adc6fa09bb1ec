"""Write what a full installation of dist/'s wheel is made of: build/release/NAME.cdx.json.

CycloneDX 1.6, of an environment with all extras at the versions of requirements.lock, and of what
the wheel itself brings that is not Python's. The same file for the same lock and commit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from licences import licence

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
TOOL = ROOT / "build" / "release-env" / "bin" / "cyclonedx-py"
OUTPUT = ROOT / "build" / "release"
VENDORED = ROOT / "server" / "vendored.cdx.json"


def wheel() -> Path:
    """Return the wheel that was built."""
    found = sorted((ROOT / "dist").glob("*.whl"))
    if len(found) != 1:
        sys.exit("sbom: there is no wheel in dist/: make dist")
    return found[0]


def run(*command: str | Path) -> None:
    """Run a program to its end; what it says on standard output is not shown."""
    subprocess.run([*map(str, command)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def described(wheel: Path, folder: Path) -> dict[str, Any]:
    """Return what an environment with all of it says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = ",".join(sorted(project["optional-dependencies"]))
    locked = ["--constraint", "requirements.lock", "--only-binary", ":all:"]
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", python, *locked, f"{wheel}[{extras}]")
    told = folder / "told.json"
    run(
        *(TOOL, "environment", "--output-reproducible", "--spec-version", "1.6"),
        *("--pyproject", "pyproject.toml", "--mc-type", "application", "--output-file", told),
        python,
    )
    return json.loads(told.read_text())


def without_places(value: Any) -> Any:
    """Return an object without the addresses where this machine had something from."""
    if isinstance(value, dict):
        return {name: without_places(one) for name, one in value.items()}
    if isinstance(value, list):
        return [
            without_places(one)
            for one in value
            if not (isinstance(one, dict) and one.get("type") == "distribution")
        ]
    return value


def main() -> None:
    """Write the file; print its name and how many parts it names."""
    built = wheel()
    with tempfile.TemporaryDirectory(prefix="sbom-") as folder:
        bom = without_places(described(built, Path(folder)))
    for component in bom["components"]:
        if not component.get("licenses"):  # it is stated in no form that the tool understands
            read = {"expression": licence(component["name"]), "acknowledgement": "concluded"}
            component["licenses"] = [read]
    bom["components"] += json.loads(VENDORED.read_text())["components"]
    bom["components"].sort(key=lambda one: one["bom-ref"])
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"{built.name.partition('-py3')[0]}.cdx.json"
    path.write_text(json.dumps(bom, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    print(f"{len(bom['components'])} parts in {os.path.relpath(path)}")


if __name__ == "__main__":
    main()
