"""Whether a worker fits what a job needs, and the words for it where none does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.protocol.fit import fits, is_specifier, shortfall, why_not
from taskkit.protocol.needs import Advert, Needs, needs_from, needs_of, slots_of
from taskkit.protocol.options import JobOptions
from taskkit.protocol.workers import WorkerInfo

LAB = Advert(
    cores=4,
    memory_mib=8000,
    tags=("gpu", "lab"),
    queues=("default", "night"),
    python="3.11.7",
    packages={"numpy": "1.26.4", "scikit-learn": "1.8.0", "own": "0.1+local", "odd": "today"},
)

FITTING = [
    Needs(),
    Needs(queue="night"),
    Needs(cpus=4),
    Needs(memory_mib=8000),
    Needs(tags=("gpu",)),
    Needs(tags=("gpu", "lab")),
    Needs(python="3.11"),
    Needs(packages={"numpy": ""}),
    Needs(packages={"numpy": "1.26.4"}),
    Needs(packages={"numpy": "==1.26.*", "Scikit_Learn": ">=1.7,<2"}),
    Needs(packages={"own": "==0.1"}),
    Needs(packages={"odd": "==today"}),
    Needs(cpus=1, memory_mib=1, tags=("lab",), queue="night", python="3.11"),
]

UNFIT = [
    (Needs(queue="day"), "needs the queue day; this worker has queues default, night"),
    (Needs(cpus=5), "needs 5 cores; this worker has 4 cores"),
    (Needs(memory_mib=8000.5), "needs 8,001 MiB; this worker has 8,000 MiB"),
    (Needs(tags=("tpu",)), "needs the tag tpu; this worker has the tags gpu, lab"),
    (Needs(tags=("gpu", "tpu")), "needs the tag tpu; this worker has the tags gpu, lab"),
    (Needs(python="3.12"), "needs Python 3.12; this worker has Python 3.11"),
    (Needs(python="3.1"), "needs Python 3.1; this worker has Python 3.11"),
    (Needs(packages={"numpy": "==2.*"}), "needs numpy 2.*; this worker has numpy 1.26.4"),
    (Needs(packages={"torch": ""}), "needs torch; this worker has no torch"),
    (Needs(packages={"odd": ">=1"}), "needs odd >=1; this worker has odd today"),
    (
        Needs(cpus=8, tags=("tpu",)),
        "needs 8 cores and the tag tpu; this worker has 4 cores and the tags gpu, lab",
    ),
]


@pytest.mark.parametrize("needs", FITTING, ids=Needs.text)
def test_a_worker_fits_that_has_all(needs: Needs) -> None:
    """And nothing is said of why not."""
    assert fits(needs, LAB)
    assert why_not(needs, LAB) == ""
    assert shortfall(needs, [replace(LAB, cores=1, queues=("x",)), LAB]) == ""


@pytest.mark.parametrize(("needs", "words"), UNFIT, ids=[words for _, words in UNFIT])
def test_a_worker_does_not_fit_that_lacks_something(needs: Needs, words: str) -> None:
    """The words name that, and what the worker has of it."""
    assert not fits(needs, LAB)
    assert why_not(needs, LAB) == words
    assert shortfall(needs, [LAB]).startswith("waits for a worker ")


def test_a_worker_of_an_older_release_has_no_lanes() -> None:
    """It says nothing of itself: only what needs nothing goes to it."""
    older = Advert(python="3.11.7")
    assert fits(Needs(), older)
    assert not fits(Needs(python="3.11"), older)
    assert "older release" in why_not(Needs(python="3.11"), older)


def test_what_a_system_does_not_tell_is_not_held_against_a_worker() -> None:
    """Memory that nobody knows may be enough; packages that nobody knows are none."""
    silent = Advert(cores=2)
    assert fits(Needs(memory_mib=10**6), silent)
    assert not fits(Needs(packages={"numpy": ""}), silent)


SHORT = [
    (Needs(), [], "waits for a worker; none is there"),
    (Needs(queue="gpu"), [], "waits for a worker of queue gpu; none is there"),
    (Needs(cpus=8), [], "waits for a worker with 8 cores; none is there"),
    (
        Needs(queue="gpu"),
        [Advert(cores=2), Advert(cores=2)],
        "waits for a worker of queue gpu; live: 2 workers (queue default)",
    ),
    (
        Needs(cpus=8),
        [Advert(cores=2), Advert(cores=4)],
        "waits for a worker with 8 cores; live: 2 workers, with 4 cores at most (queue default)",
    ),
    (
        Needs(tags=("tpu",)),
        [LAB],
        "waits for a worker with the tag tpu; live: 1 worker, with the tags gpu, lab "
        "(queues default, night)",
    ),
    (
        Needs(cpus=4, tags=("big",)),
        [LAB, Advert(cores=2, tags=("big",))],
        "waits for a worker with 4 cores and the tag big; live: 2 workers, with none with all of "
        "it (queues default, night)",
    ),
    (
        Needs(packages={"numpy": "==2.*"}),
        [LAB, replace(LAB, packages={})],
        "waits for a worker with numpy 2.*; live: 2 workers, with numpy 1.26.4 "
        "(queues default, night)",
    ),
]


@pytest.mark.parametrize(("needs", "adverts", "words"), SHORT, ids=[w for _, _, w in SHORT])
def test_what_is_lacking_is_said_with_what_there_is(
    needs: Needs, adverts: list[Advert], words: str
) -> None:
    """In one sentence, for whoever submitted the job."""
    assert shortfall(needs, adverts) == words


NEEDS = st.builds(
    Needs,
    queue=st.sampled_from(["default", "night"]),
    cpus=st.none() | st.integers(1, 6),
    memory_mib=st.none() | st.floats(1, 10_000),
    tags=st.lists(st.sampled_from("abc"), max_size=2).map(tuple),
    python=st.sampled_from(["", "3.11", "3.12"]),
    packages=st.dictionaries(st.sampled_from(["numpy", "x"]), st.sampled_from(["", "==1.*"])),
)
ADVERTS = st.builds(
    Advert,
    cores=st.none() | st.integers(1, 6),
    memory_mib=st.none() | st.integers(1, 10_000),
    tags=st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
    queues=st.sampled_from([("default",), ("night", "default"), ("night",)]),
    python=st.sampled_from(["3.11.1", "3.12.0"]),
    packages=st.none() | st.dictionaries(st.sampled_from(["numpy", "x"]), st.just("1.2")),
)


@given(NEEDS, ADVERTS)
def test_words_are_there_exactly_where_it_does_not_fit(needs: Needs, advert: Advert) -> None:
    """Whatever is needed, and whatever there is."""
    assert bool(why_not(needs, advert)) is not fits(needs, advert)
    assert bool(shortfall(needs, [advert])) is not fits(needs, advert)


@given(NEEDS, ADVERTS)
def test_more_of_everything_still_fits(needs: Needs, advert: Advert) -> None:
    """A worker that fits does so with more cores, memory, tags and queues, too."""
    if not fits(needs, advert):
        return
    more = replace(
        advert,
        cores=None if advert.cores is None else advert.cores + 1,
        memory_mib=None if advert.memory_mib is None else advert.memory_mib + 1,
        tags=(*advert.tags, "z"),
        queues=(*advert.queues, "z"),
    )
    assert fits(needs, more)


@given(NEEDS, NEEDS)
def test_jobs_share_a_lane_exactly_where_they_need_the_same(one: Needs, other: Needs) -> None:
    """Text, lane and what is read from the text agree; tags have no order."""
    same = needs_from(one.text())
    assert same.text() == one.text()
    assert same.lane == one.lane
    assert (one.lane == other.lane) is (one.text() == other.text())
    turned = replace(one, tags=tuple(reversed(one.tags)))
    assert turned.lane == one.lane


def test_a_lane_bears_the_name_of_its_queue() -> None:
    """What needs nothing waits in the queue itself, as ever."""
    assert Needs(queue="night").lane == "night"
    queue, _, digest = Needs(queue="night", cpus=2).lane.partition("~")
    assert (queue, len(digest)) == ("night", 16)


def test_needs_are_those_of_the_options() -> None:
    """Each of them that says what a worker must have."""
    options = JobOptions(
        queue="night", cpus=2, memory_mib=10, tags=("b", "a"), python="3.11", packages={"x": ">1"}
    )
    assert needs_of(options) == Needs(
        queue="night", cpus=2, memory_mib=10, tags=("a", "b"), python="3.11", packages={"x": ">1"}
    )
    assert needs_of(JobOptions(retries=3, timeout_s=5)).is_plain


@pytest.mark.parametrize(
    ("cpus", "slots", "cores", "taken"),
    [
        (None, 4, 4, 1),
        (1, 4, 4, 1),
        (2, 4, 4, 2),
        (4, 4, 4, 4),
        (2, 1, 8, 1),
        (5, 4, 8, 3),
        (1, 4, 2, 2),
        (9, 4, 4, 4),
        (2, 4, None, 1),
    ],
)
def test_a_job_takes_as_many_slots_as_its_cores_are_worth(
    cpus: int | None, slots: int, cores: int | None, taken: int
) -> None:
    """A slot is worth its worker's cores divided by its slots; at most all of them are taken."""
    assert slots_of(cpus, slots=slots, cores=cores) == taken


def test_a_worker_that_grows_is_held_to_what_it_may_grow_to() -> None:
    """Its advert has the slots that it would have."""
    info = WorkerInfo(
        name="w", host="h", pid=1, processes=1, python="3.11.1", most_processes=4, cores=4
    )
    assert info.advert().processes == 4
    assert replace(info, most_processes=None).advert().processes == 1


@pytest.mark.parametrize("text", ["", "1.2", "==1.2", ">=1,<2", "~=1.4.2", "===any"])
def test_specifiers_are_those_of_pep_440(text: str) -> None:
    """And a bare version."""
    assert is_specifier(text)


@pytest.mark.parametrize("text", ["new", ">=", "1.*", "=1.2"])
def test_what_is_no_specifier_is_none(text: str) -> None:
    """It would never fit."""
    assert not is_specifier(text)
