"""What a job displays is kept as blobs, in bounds, and replaced by name."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest

from taskkit.blobs import FolderStore, digest_of
from taskkit.protocol.errors import DiskFull, NotReachable, TaskkitError, Unavailable
from taskkit_worker.figures import INLINE_BYTES, MOST_BYTES, MOST_FIGURES, Figures

LARGE = b"p" * (INLINE_BYTES + 1)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty one."""
    return FolderStore(tmp_path)


def test_small_ones_travel_along_and_large_ones_are_blobs(store: FolderStore) -> None:
    """By their digest, written once."""
    figures = Figures(store)
    figures.add(None, "text/html", b"<b>1</b>", "one")
    figures.add("map", "image/png", LARGE, "<Figure>")
    assert figures.is_new
    small, large = figures.snapshot()
    assert not figures.is_new
    assert (small.name, small.digest, small.text) == ("1", None, "one")
    assert b64decode(small.inline or "") == b"<b>1</b>"
    assert (large.name, large.media_type, large.size_bytes) == ("map", "image/png", len(LARGE))
    assert (large.digest, large.inline) == (digest_of(LARGE), None)
    assert store.read(digest_of(LARGE)).tobytes() == LARGE


def test_a_name_replaces_in_its_place(store: FolderStore) -> None:
    """The same again is nothing new."""
    figures = Figures(store)
    for data in (b"a", b"b"):
        figures.add("first", "image/png", data, "")
        figures.add("second", "image/png", LARGE, "")
    assert [figure.name for figure in figures.snapshot()] == ["first", "second"]
    assert b64decode(figures.snapshot()[0].inline or "") == b"b"
    figures.add("second", "image/png", LARGE, "")
    assert not figures.is_new


def test_the_last_are_kept_and_those_with_a_name(
    store: FolderStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job is told once that there are too many."""
    figures = Figures(store)
    figures.add("map", "image/png", b"map", "")
    for number in range(MOST_FIGURES + 4):
        figures.add(None, "image/png", b"%d" % number, "")
    names = [figure.name for figure in figures.snapshot()]
    assert names == ["map", *(str(number) for number in range(6, MOST_FIGURES + 5))]
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith("taskkit: the last 8 figures are shown, of 1 MiB in all")


def test_together_they_have_a_largest_size(store: FolderStore) -> None:
    """One alone may always be shown."""
    figures = Figures(store)
    third = MOST_BYTES // 3
    for letter in b"abcd":
        figures.add(None, "image/png", bytes([letter]) * third, "")
    assert [figure.name for figure in figures.snapshot()] == ["2", "3", "4"]
    figures.add("all", "image/png", b"x" * (MOST_BYTES + 1), "")
    assert [figure.name for figure in figures.snapshot()] == ["all"]


class Refusing(FolderStore):
    """Raises what it is told to, as long as it is."""

    error: TaskkitError | None = None

    def write(self, digest: str, content: object) -> None:
        if self.error is not None:
            raise self.error
        super().write(digest, content)  # type: ignore[arg-type]


def test_a_full_disk_costs_the_figure_and_not_the_job(tmp_path: Path) -> None:
    """Its place says why it is not there."""
    store = Refusing(tmp_path)
    store.error = DiskFull("no space is left")
    figures = Figures(store)
    figures.add(None, "image/png", LARGE, "<Figure>")
    [figure] = figures.snapshot()
    assert (figure.digest, figure.inline) == (None, None)
    assert figure.text == "<Figure> (not kept: no space is left)"


@pytest.mark.parametrize("error", [Unavailable("away"), NotReachable("gone")])
def test_a_store_that_is_away_is_asked_again(tmp_path: Path, error: TaskkitError) -> None:
    """Nothing is lost meanwhile."""
    store = Refusing(tmp_path)
    store.error = error
    figures = Figures(store)
    figures.add("map", "image/png", LARGE, "")
    with pytest.raises(Unavailable):
        figures.snapshot()
    assert figures.is_new
    store.error = None
    [figure] = figures.snapshot()
    assert figure.digest == digest_of(LARGE)


def test_without_a_place_for_blobs_small_ones_are_shown() -> None:
    """And of others the words, with the cure."""
    figures = Figures(None)
    figures.add(None, "image/png", b"small", "")
    figures.add(None, "image/png", LARGE, "<Figure>")
    small, large = figures.snapshot()
    assert small.inline is not None
    assert large.text == "<Figure> (not kept: this worker was told of no place for blobs)"
