"""A card and what repeats its job come back as they were kept, or not at all."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cards_of_tests import ARGUMENTS, BLOB, FUNCTION, PARTS, RECORD, card_of
from rocrate.rocrate import ROCrate

from taskkit.blobs import digest_of
from taskkit.protocol.errors import DecodeError, RequestError
from taskkit.protocol.jobs import ErrorInfo, JobState
from taskkit.provenance.bundle import MOST_INLINE_BYTES, read, write

FORMS = ["run.json", "run.zip", "run"]


@pytest.mark.parametrize("name", FORMS)
def test_what_is_kept_comes_back(tmp_path: Path, name: str) -> None:
    """In each of the three forms; nothing else is left beside it."""
    facts = card_of()
    path = write(tmp_path / name, facts, PARTS)
    assert [one.name for one in tmp_path.iterdir()] == [name]
    found = read(path)
    assert found.facts == facts
    assert found.parts.function == FUNCTION
    assert found.parts.arguments == ARGUMENTS
    assert (found.parts.result, found.parts.media_type) == (b"3", "application/json")
    assert {digest: bytes(one) for digest, one in found.parts.blobs.items()} == {
        digest_of(BLOB): BLOB
    }


def test_a_card_in_a_folder_is_read_by_its_file_too(tmp_path: Path) -> None:
    """As somebody types who sees it there."""
    write(tmp_path / "run", card_of(), PARTS)
    assert read(tmp_path / "run" / "card.json").parts.function == FUNCTION


@pytest.mark.parametrize("name", FORMS)
def test_nothing_is_written_over(tmp_path: Path, name: str) -> None:
    """A result of before may be the only one."""
    write(tmp_path / name, card_of(), PARTS)
    with pytest.raises(FileExistsError, match="name another"):
        write(tmp_path / name, card_of(), PARTS)


def test_a_single_file_holds_what_is_small(tmp_path: Path) -> None:
    """What is large is told how to be kept, and no file is begun."""
    large = replace(PARTS, arguments=bytes(MOST_INLINE_BYTES + 1))
    with pytest.raises(RequestError, match="as a folder"):
        write(tmp_path / "run.json", card_of(), large)
    assert list(tmp_path.iterdir()) == []


def spoil(name: str, body: bytes) -> Callable[[Path], None]:
    """Return what writes other bytes into a part of a folder."""
    return lambda folder: (folder / name).write_bytes(body) and None


def change(told: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Return what changes the card in a folder."""

    def changed(folder: Path) -> None:
        path = folder / "card.json"
        facts = json.loads(path.read_text())
        told(facts)
        path.write_text(json.dumps(facts))

    return changed


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        (spoil("function.pickle", b"other"), DecodeError),
        (spoil("arguments.pickle", b""), DecodeError),
        (spoil("result.json", b"4"), DecodeError),
        (spoil(f"blobs/{digest_of(BLOB)}", b"other"), DecodeError),
        (spoil("card.json", b"[1]"), RequestError),
        (spoil("card.json", b"{"), RequestError),
        (spoil("card.json", b"\xff\xfe"), RequestError),
        (spoil("card.json", b"[" * 100_000), RequestError),
        (change(lambda facts: facts.update(schema="taskkit.card/2")), RequestError),
        (change(lambda facts: facts.pop("code")), RequestError),
        (change(lambda facts: facts.update(parts=[1])), RequestError),
        (
            change(lambda facts: facts["parts"]["function"].update(file="../secret.pickle")),
            RequestError,
        ),
        (change(lambda facts: facts["parts"]["function"].update(file="/etc/passwd")), RequestError),
        (change(lambda facts: facts["parts"]["function"].update(inline="?")), DecodeError),
        (change(lambda facts: facts["parts"]["blobs"][0].update(blake3="../x")), RequestError),
        (change(lambda facts: facts["parts"].update(blobs=[7])), RequestError),
        (lambda folder: (folder / "function.pickle").unlink(), RequestError),
        (lambda folder: (folder / "card.json").unlink(), RequestError),
    ],
)
def test_what_was_changed_is_refused(
    tmp_path: Path, spoiled: Callable[[Path], None], error: type[Exception]
) -> None:
    """Before anybody loads it; and no card leads to a file that is none of its parts."""
    folder = write(tmp_path / "run", card_of(), PARTS)
    (tmp_path / "secret.pickle").write_bytes(FUNCTION)
    spoiled(folder)
    with pytest.raises(error):
        read(folder)
    shutil.make_archive(str(tmp_path / "again"), "zip", folder)
    with pytest.raises(error):
        read(tmp_path / "again.zip")


def test_a_zip_that_is_none_is_refused(tmp_path: Path) -> None:
    """In words, as is one without a card."""
    (tmp_path / "no.zip").write_bytes(b"PK")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("x", "y")
    for name in ("no.zip", "empty.zip", "away.zip", "away.json", "away"):
        with pytest.raises(RequestError):
            read(tmp_path / name)


def test_a_folder_is_a_process_run_crate(tmp_path: Path) -> None:
    """As rocrate reads it: what was done, with what, by whom, on what, and what came of it."""
    write(tmp_path / "run", card_of(), PARTS, "https://spdx.org/licenses/CC-BY-4.0")
    crate = ROCrate(tmp_path / "run")
    profile = "https://w3id.org/ro/wfrun/process/0.5"
    assert crate.root_dataset["conformsTo"].id == profile
    assert crate.root_dataset["license"].id == "https://spdx.org/licenses/CC-BY-4.0"
    action = crate.root_dataset["mentions"]
    assert action.type == "CreateAction"
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert action["startTime"] == "2026-09-21T14:13:21.000+00:00"
    assert action["endTime"] == "2026-09-21T14:13:23.500+00:00"
    assert action["agent"]["name"] == "ana"
    assert [one.id for one in action["object"]] == ["arguments.pickle", f"blobs/{digest_of(BLOB)}"]
    assert {one.id for one in action["result"]} == {"result.json", "output.txt"}
    task = action["instrument"]
    assert task.type == "SoftwareApplication"
    needed = {one["name"]: one["softwareVersion"] for one in task["softwareRequirements"]}
    assert needed == {"numpy": "2.4.6", "scipy": "1.17.1", "CPython": "3.12.1"}
    assert action["environment"]["value"] == "1"
    files = {one.id for one in crate.data_entities}
    there = {
        one.relative_to(tmp_path / "run").as_posix()
        for one in (tmp_path / "run").rglob("*")
        if one.is_file()
    }
    assert files == there - {"ro-crate-metadata.json"}
    graph = json.loads((tmp_path / "run" / "ro-crate-metadata.json").read_text())["@graph"]
    known = {one["@id"] for one in graph}
    assert len(known) == len(graph)
    assert all(
        link in known or link.startswith("https://w3id.org/ro/crate") for link in links(graph)
    )


def links(part: Any) -> list[str]:
    """Return all that a graph refers to."""
    if isinstance(part, list):
        return [link for one in part for link in links(one)]
    if not isinstance(part, dict):
        return []
    if part.keys() == {"@id"}:
        return [part["@id"]]
    return [link for value in part.values() for link in links(value)]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (JobState.FAILED, "http://schema.org/FailedActionStatus"),
        (JobState.CANCELLED, "http://schema.org/FailedActionStatus"),
        (JobState.QUEUED, "http://schema.org/PotentialActionStatus"),
    ],
)
def test_a_run_that_came_to_nothing_is_a_crate_too(
    tmp_path: Path, state: JobState, status: str
) -> None:
    """With why; a license that nobody has given is said to be none."""
    error = ErrorInfo(type="ValueError", message="no") if state is JobState.FAILED else None
    record = replace(RECORD, state=state, result=None, error=error, usage=None, output="")
    write(tmp_path / "run", card_of(record, result=None), replace(PARTS, result=None))
    crate = ROCrate(tmp_path / "run")
    action = crate.root_dataset["mentions"]
    assert action["actionStatus"] == status
    assert action.get("error") == ("ValueError: no" if error else None)
    assert action.get("result") is None
    assert str(crate.root_dataset["license"]).startswith("No license")
