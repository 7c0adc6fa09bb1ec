"""What is installed here is read as `importlib.metadata` reads it."""

from __future__ import annotations

from importlib.metadata import Distribution, distributions, metadata, version
from pathlib import Path

import pytest

from taskkit.protocol.needs import canonical
from taskkit.travel.installed import installed, named, version_of


def distribution(folder: Path, text: str, file: str = "METADATA") -> Distribution:
    """Return a distribution with that metadata."""
    info = folder / ("own.dist-info" if file == "METADATA" else "own.egg-info")
    info.mkdir(exist_ok=True)
    (info / file).write_text(text)
    return next(iter(distributions(path=[str(folder)])))


def test_it_agrees_with_the_standard_library_on_all_that_is_here() -> None:
    """Of this environment's hundreds of packages."""
    theirs: dict[str, str] = {}
    for one in distributions():
        theirs.setdefault(canonical(one.metadata["Name"]), one.version)
    assert installed() == theirs
    assert list(installed()) == sorted(theirs)


def test_of_two_of_a_name_the_one_that_is_imported_counts(tmp_path: Path) -> None:
    """The first on the path; half a distribution is none."""
    found = []
    for number, text in enumerate(
        (
            "Name: Own_Thing\nVersion: 2\n",
            "Name: own-thing\nVersion: 1\n",
            "Version: 1\n",
            "Name: half\n",
            "",
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(distribution(folder, text))
    assert installed(found) == {"own-thing": "2"}


@pytest.mark.parametrize("file", ["METADATA", "PKG-INFO"])
def test_what_describes_a_package_is_not_taken_for_its_head(tmp_path: Path, file: str) -> None:
    """However it looks: the head ends with the first empty line."""
    text = "Metadata-Version: 2.1\nName:  own \nVersion: 1.2.post1\n\nName: another\nVersion: 3\n"
    assert named(distribution(tmp_path, text, file)) == ("own", "1.2.post1")


def test_a_version_is_known_by_any_spelling_of_a_name() -> None:
    """And what is not installed has none, whatever it is called."""
    assert version_of("Flask_SocketIO") == version("flask-socketio") != ""
    assert version_of("flask-socketio") == metadata("flask-socketio")["Version"]
    assert version_of("no-such-thing") == version_of("") == ""
