"""A job keeps to its share of the cores."""

from __future__ import annotations

import os
import socket

import pytest

from taskkit.integrations import cores
from taskkit.integrations.cores import CPU_COUNT, TOLD, VARIABLES, Cores

HERE = socket.gethostname()


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 8 cores, on which nobody has set anything."""
    monkeypatch.setattr(cores, "cores", lambda: 8)
    for name in (CPU_COUNT, *VARIABLES):
        monkeypatch.delenv(name, raising=False)


def seen(share: Cores) -> tuple[str | None, str | None]:
    """Return how many cores and how many threads a call in the share is told of."""
    return share.run(lambda: (os.environ.get(CPU_COUNT), os.environ.get(TOLD)))


@pytest.mark.parametrize(("processes", "share"), [(1, "8"), (3, "2"), (8, "1"), (64, "1")], ids=str)
def test_the_cores_are_shared_by_the_worker_processes(processes: int, share: str) -> None:
    """One each where there are more processes than cores."""
    assert seen(Cores({HERE: processes, "elsewhere": 100})) == (share, share)


def test_the_user_says_how_many_threads() -> None:
    """`inner_max_num_threads`; joblib's own threads keep to the share."""
    assert seen(Cores({HERE: 4}, threads=3)) == ("2", "3")


def test_who_runs_the_worker_says_it_before_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """But not before the user."""
    monkeypatch.setenv(TOLD, "5")
    assert seen(Cores({HERE: 4})) == ("2", "5")
    assert seen(Cores({HERE: 4}, threads=3)) == ("2", "3")


def test_afterwards_everything_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the call raised."""
    monkeypatch.setenv(CPU_COUNT, "7")
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError):
        Cores({HERE: 4}).run(lambda: 1 // 0)
    assert dict(os.environ) == before


def test_libraries_that_are_loaded_keep_to_it_too() -> None:
    """numpy's BLAS read its variables long ago."""
    pytest.importorskip("numpy").ones((2, 2)) @ [1.0, 1.0]
    info = pytest.importorskip("threadpoolctl").threadpool_info
    before = info()
    assert {pool["num_threads"] for pool in Cores({HERE: 8}).run(info)} == {1}
    assert info() == before
