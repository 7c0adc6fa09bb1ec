"""What a client's threads took in another order is put right, and nothing else is."""

from __future__ import annotations

from chaos.facts import Accepted, Entry, Received

from .client import NAME, in_order


def received(*places: tuple[str, int]) -> list[Entry]:
    """Return what a client took of these epochs and numbers, one a second, after a submission."""
    facts = [Received(epoch=epoch, seq=seq, type="attempt_started") for epoch, seq in places]
    first = Entry(0.0, NAME, Accepted(key="k", job="j"))
    return [first, *(Entry(float(t), NAME, fact) for t, fact in enumerate(facts, 1))]


def test_messages_that_overtook_each_other_are_put_in_order() -> None:
    """Those of each process among themselves."""
    assert in_order(received(("a", 2), ("b", 1), ("a", 1))) == received(
        ("a", 1), ("b", 1), ("a", 2)
    )


def test_what_is_missing_and_what_came_again_stays_so() -> None:
    """The checker must see both."""
    history = received(("a", 1), ("a", 3), ("a", 3))
    assert in_order(history) == history
