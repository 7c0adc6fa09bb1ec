"""What may stand behind the magics."""

from __future__ import annotations

import pytest

from taskkit.magics.flags import job_flags, jobs_flags, options_of


def test_a_line_without_flags_asks_for_nothing() -> None:
    """The client's options stay as they are."""
    asked = job_flags().read("")
    assert options_of(asked) == {}
    assert (asked.out, asked.wait, asked.into, asked.client) == ((), False, None, None)


def test_the_flags_of_a_job() -> None:
    """Texts with spaces are quoted."""
    asked = job_flags().read(
        "-o a,b --wait -i job -n 'my fit' -k k1 -r 2 --retry-on OSError,lab.Diverged -t 60 -m 100"
    )
    assert (asked.out, asked.wait, asked.into) == (("a", "b"), True, "job")
    assert options_of(asked) == {
        "name": "my fit",
        "key": "k1",
        "retries": 2,
        "retry_on": ("OSError", "lab.Diverged"),
        "timeout_s": 60.0,
        "memory_mib": 100.0,
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--out a,1b", "'1b' is not a name"),
        ("--into class", "'class' is not a name"),
        ("--retries many", "invalid int value: 'many'"),
        ("--frob", "unrecognized arguments: --frob"),
        ("--name 'fit", "No closing quotation"),
        ("fit", "unrecognized arguments: fit"),
    ],
)
def test_what_cannot_be_is_a_value_error_that_names_it(line: str, told: str) -> None:
    """And ends no kernel."""
    with pytest.raises(ValueError, match=told):
        job_flags().read(line)


def test_the_flags_of_the_list() -> None:
    """A name, states and how many."""
    asked = jobs_flags().read("fit -s failed,cancelled -n 5 --here")
    assert (asked.name, asked.state, asked.limit, asked.here) == (
        "fit",
        ("failed", "cancelled"),
        5,
        True,
    )
