"""What a worker says that it has: packages, cores, memory; and how far it may grow."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskkit.machine import available_mib, cores, memory_mib
from taskkit_worker.growth import affordable
from taskkit_worker.possessions import digest_of


def test_workers_of_one_image_have_one_digest() -> None:
    """Whatever the order in which it finds them."""
    assert digest_of({"a": "1", "b": "2"}) == digest_of({"b": "2", "a": "1"})
    assert digest_of({"a": "1"}) != digest_of({"a": "2"})


def cgroup(folder: Path, line: str, **files: str) -> tuple[Path, Path]:
    """Make a tree of cgroups; return its root, and a process' own file."""
    own = folder / "own"
    own.write_text(f"{line}\n")
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return folder, own


@pytest.mark.parametrize(
    ("files", "most"),
    [
        ({"a__b__cpu_DOT_max": "100000 100000"}, 1),
        ({"a__cpu_DOT_max": "100000 100000", "a__b__cpu_DOT_max": "max 100000"}, 1),
        ({"a__b__cpu_DOT_max": "50000 100000"}, 1),
        ({"a__b__cpu_DOT_max": "max 100000"}, 4096),
        ({}, 4096),
    ],
    ids=["own", "above", "half", "none", "silent"],
)
def test_cores_are_no_more_than_the_quota(tmp_path: Path, files: dict[str, str], most: int) -> None:
    """Of the process' cgroup, or of one above it; half a core is one still."""
    root, own = cgroup(tmp_path, "0::/a/b", **files)
    assert cores(root, own) == min(most, cores(tmp_path / "none", tmp_path / "none"))


def test_cores_are_those_of_the_first_version_of_cgroups_too(tmp_path: Path) -> None:
    """Where quota and period are files of their own, and a controller has its folder."""
    root, own = cgroup(
        tmp_path,
        "4:cpu,cpuacct:/job",
        **{
            "cpu,cpuacct__job__cpu_DOT_cfs_quota_us": "100000",
            "cpu,cpuacct__job__cpu_DOT_cfs_period_us": "100000",
        },
    )
    assert cores(root, own) == 1


def test_memory_is_no_more_than_the_limit(tmp_path: Path) -> None:
    """Of the cgroup; of the machine where there is none."""
    root, own = cgroup(tmp_path, "0::/a", a__memory_DOT_max=str(64 * 2**20))
    assert memory_mib(root, own) == 64
    machine = memory_mib(tmp_path / "none", tmp_path / "none")
    assert machine is None or machine > 64
    root, own = cgroup(tmp_path, "0::/a", a__memory_DOT_max="max")
    assert memory_mib(root, own) == machine
    root, own = cgroup(
        tmp_path, "3:memory:/old", memory__old__memory_DOT_limit_in_bytes=str(2**63 - 4096)
    )
    assert memory_mib(root, own) == machine


def test_memory_that_holds_files_is_free(tmp_path: Path) -> None:
    """The kernel gives it back."""
    root, own = cgroup(
        tmp_path,
        "0::/a",
        a__memory_DOT_max=str(64 * 2**20),
        a__memory_DOT_current=str(60 * 2**20),
        a__memory_DOT_stat=f"anon 1\ninactive_file {20 * 2**20}",
    )
    assert available_mib(root, own) == 24


@pytest.mark.parametrize(
    ("all_mib", "free_mib", "each_mib", "more"),
    [(1000, 500, 100.0, 4), (1000, 100, 10.0, 0), (1000, 50, 10.0, 0), (1000, 900, 0.1, 800)],
)
def test_a_worker_grows_while_a_tenth_of_its_memory_stays_free(
    all_mib: int, free_mib: int, each_mib: float, more: int
) -> None:
    """By what its largest process takes; less than a MiB counts as one."""
    assert affordable(all_mib, free_mib, each_mib) == more
