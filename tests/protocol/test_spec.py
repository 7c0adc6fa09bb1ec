"""A spec's digest stands for what it asks for."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from taskkit.protocol.spec import JobSpec, sealed, unsealed

texts = st.text("ab\0", max_size=3)
specs = st.builds(
    JobSpec,
    task=texts,
    arguments=texts,
    function=st.none() | st.sampled_from(["a" * 64, "b" * 64]),
    payload=st.binary(max_size=2),
    python=st.sampled_from(["", "3.11", "3.12"]),
)


@given(specs, specs)
@example(JobSpec(task="a\0b", arguments="c"), JobSpec(task="a", arguments="b\0c"))
def test_two_specs_share_a_digest_exactly_when_they_are_equal(one: JobSpec, two: JobSpec) -> None:
    """Moving a character from one field to the next makes another request."""
    assert (one.digest() == two.digest()) == (one == two)


works = st.binary(min_size=32, max_size=32)
pickles = st.binary(max_size=3).map(lambda end: b"\x80\x05" + end)


@given(works, pickles)
def test_a_sealed_payload_has_both_its_parts(work: bytes, pickled: bytes) -> None:
    """The digest of the work and the pickle; a pickle alone has no digest."""
    assert unsealed(sealed(work, pickled)) == (work, pickled)
    assert unsealed(pickled) == (b"", pickled)


@given(works, works, pickles, pickles)
def test_what_is_sealed_is_told_apart_by_its_work_alone(
    one: bytes, two: bytes, pickled: bytes, again: bytes
) -> None:
    """Another kernel pickles the same work in other bytes, of function and arguments both."""
    first = JobSpec(task="fit", function="a" * 64, payload=sealed(one, pickled), python="3.11")
    second = JobSpec(task="fit", function="b" * 64, payload=sealed(two, again), python="3.11")
    assert (first.digest() == second.digest()) == (one == two)
    assert first.digest() != JobSpec(task="fit", function="a" * 64, payload=pickled).digest()


@given(works)
def test_a_seal_stands_for_the_call_not_for_its_name_or_its_python(work: bytes) -> None:
    """Those are compared as ever."""
    payload = sealed(work, b"\x80")
    digests = {
        JobSpec(task=task, function="a" * 64, payload=payload, python=python).digest()
        for task in ("fit", "score")
        for python in ("3.11", "3.12")
    }
    assert len(digests) == 4
