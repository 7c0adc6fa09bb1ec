"""A spec's digest stands for what it asks for."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from taskkit.protocol.spec import JobSpec

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
