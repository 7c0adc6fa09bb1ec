"""The contract that client, server and worker share: pure words, no I/O, standard library only."""

PROTOCOL_VERSION = 1
"""Raised when a wire form changes so that an older reader would misunderstand it."""

OLDEST_PROTOCOL = 1
"""The oldest that this side still speaks: that of the release before, or later."""

PROTOCOL_HEADER = "Taskkit-Protocol"
"""By this a client says the newest that it speaks; one that says nothing speaks 1."""


def spoken(asked: int, *, oldest: int = OLDEST_PROTOCOL, newest: int = PROTOCOL_VERSION) -> int:
    """Return what a server speaks with a client that asks for a protocol: the nearest to it.

    >>> spoken(3, oldest=1, newest=2), spoken(1, oldest=1, newest=2), spoken(1, oldest=2, newest=3)
    (2, 1, 2)
    """
    return max(oldest, min(newest, asked))
