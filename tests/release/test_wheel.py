"""The wheel is all that a user needs, and whoever builds it gets the same."""

from __future__ import annotations

import email
import json
import subprocess
import tarfile
import zipfile
from email.message import Message
from hashlib import sha256
from pathlib import Path

import pytest
from first_day import is_whole
from installing import IS_ASKED_FOR, ROOT, build, installed

PACKAGES = {
    "taskkit": ROOT / "taskkit",
    "taskkit_server": ROOT / "server" / "taskkit_server",
    "taskkit_worker": ROOT / "worker" / "taskkit_worker",
}
QUICKSTART = "taskkit/cli/01-quickstart.ipynb"


def members(wheel: Path) -> dict[str, bytes]:
    """Return what is in a wheel, without what describes it."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        return {name: archive.read(name) for name in names}


def described(wheel: Path, name: str) -> str:
    """Return one of the files that describe a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        [path] = [path for path in archive.namelist() if path.endswith(f".dist-info/{name}")]
        return archive.read(path).decode()


def tracked() -> dict[str, bytes]:
    """Return what the wheel is to hold, by its path there, of what git knows.

    Of a release nothing but that; while somebody works, also what they have not added yet.
    """
    kinds = [] if IS_ASKED_FOR else ["--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    found = {QUICKSTART: (ROOT / "notebooks" / "01-quickstart.ipynb").read_bytes()}
    for package, folder in PACKAGES.items():
        listed = subprocess.run(
            ["git", "ls-files", "-z", *kinds, "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (folder / name).is_file():
                found[f"{package}/{name}"] = (folder / name).read_bytes()
    return found


def test_the_wheel_holds_what_git_knows_of_the_packages(wheel: Path) -> None:
    """Scripts in Lua, the page, types: all of it, as it is, and nothing that lies about."""
    held, wanted = members(wheel), tracked()
    assert {name.rpartition(".")[2] for name in wanted} >= {"py", "lua", "html", "js", "css", "svg"}
    assert sorted(set(held) ^ set(wanted)) == []
    assert [name for name, text in wanted.items() if held[name] != text] == []


def test_the_source_archive_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    """Byte for byte: what distributions build is what was tested."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
        modified = {member.mtime for member in archive.getmembers()}
    [source] = (tmp_path / "source").iterdir()
    assert len(modified) == 1
    [again] = build(source, tmp_path / "again", "wheel", epoch=str(int(modified.pop())))
    assert again.name == wheel.name
    assert sha256(again.read_bytes()).digest() == sha256(wheel.read_bytes()).digest()


def test_when_it_was_made_is_as_told(tmp_path: Path) -> None:
    """Not the clock, nor the times of files, decides on a byte; SOURCE_DATE_EPOCH does."""
    built = [
        build(ROOT, tmp_path / str(n), "wheel", epoch=epoch)[0].read_bytes()
        for n, epoch in enumerate(("1500000000", "1500000000", "1600000000"))
    ]
    assert built[0] == built[1] != built[2]


def test_its_metadata_say_what_it_needs(wheel: Path) -> None:
    """The parts are extras, the licences are there, and it is called by no taken name."""
    told: Message = email.message_from_string(described(wheel, "METADATA"))
    assert told["Name"] == "taskkit-notebook"
    assert set(told.get_all("Provides-Extra", [])) >= {"server", "worker", "notebook", "demo"}
    assert told["License-Expression"] == "MIT AND Apache-2.0"
    licences = told.get_all("License-File", [])
    assert sorted(name.rpartition("/")[2] for name in licences) == [
        "LICENSE",
        "LICENSE",
        "LICENSE-dompurify",
    ]
    assert "taskkit = taskkit.cli:main" in described(wheel, "entry_points.txt")
    top = {name.partition("/")[0] for name in members(wheel)}
    assert top == set(PACKAGES), "it claims names for everybody that are not its own"


def test_it_says_what_it_brings_that_is_not_python_s(wheel: Path) -> None:
    """PEP 770: each vendored file of the page is in its bill of materials, by its hash."""
    told = json.loads(described(wheel, "sboms/vendored.cdx.json"))
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    held = members(wheel)
    said = {}
    for component in told["components"]:
        [file] = [one["value"] for one in component["properties"] if one["name"] == "taskkit:file"]
        said[file] = component["hashes"][0]["content"]
    page = (ROOT / "server/taskkit_server/static/vendor/README.md").read_text(encoding="utf-8")
    assert all(f"`{one['name']}` {one['version']}" in page for one in told["components"])
    vendored = {name for name in held if "/vendor/" in name and name.endswith(".js")}
    assert said == {name: sha256(held[name]).hexdigest() for name in vendored}


@pytest.mark.stack
def test_a_stack_runs_from_the_wheel_alone(wheel: Path, place: Path) -> None:
    """Up, a script's jobs, down; neither a process nor a file stays but the kept jobs'."""
    with installed(place / "installed") as it:
        # Its dependencies are those of the tests: `make release-check` installs them, too.
        it.install("--no-deps", "--no-index", "--offline", str(wheel))
        it.lean_on_the_tests()
        is_whole(it)
