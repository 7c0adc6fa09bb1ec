"""The contract that client, server and worker share: pure words, no I/O, standard library only."""

PROTOCOL_VERSION = 1
"""Raised when a wire form changes so that an older reader would misunderstand it."""
