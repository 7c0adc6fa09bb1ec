"""Signatures on what Redis keeps, so that to write to Redis is not to have code run.

A signed text or bytes begin with ``taskkit-signed:1:``, the id of the key and an HMAC-SHA256 in
hexadecimal, of what the bytes are, whose, and the bytes. No pickle and no JSON begins like that.
Source: RFC 2104, and Krawczyk et al. 1997 for the construction.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from .errors import BadSignature

MARK = b"taskkit-signed:1:"
"""What everything that is signed begins with."""

ID_CHARS = 8
MAC_CHARS = 64
HEAD_BYTES = len(MARK) + ID_CHARS + 1 + MAC_CHARS + 1
"""How much longer a signature makes what it stands before."""

KEY_CHARS = 32
"""How short a key may be: 128 bits, where it is random hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that servers and workers share."""

    secret: bytes = field(repr=False)
    id: str = field(init=False)
    #: By which what it signed is known; tells nothing of the secret.

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", _mac(self.secret, "id", [], b"")[:ID_CHARS])


class Keyring:
    """Keys: the first signs, all verify. Without any nothing is signed, and nothing signed is read.

    To change the key, first give all processes the new one as the last, then as the first, and take
    the old one away when nothing is kept any more that it has signed.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        short = [secret for secret in secrets if len(secret) < KEY_CHARS]
        if short:
            raise ValueError(
                f"a signing key has {KEY_CHARS} characters at least: make one by "
                "`python -c 'import secrets; print(secrets.token_hex(32))'`"
            )
        self.keys = tuple(Key(secret.encode()) for secret in dict.fromkeys(secrets))
        self._by_id = {key.id: key for key in self.keys}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyring) and self.keys == other.keys

    def __hash__(self) -> int:
        return hash(self.keys)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def sign(self, body: bytes, what: str, *whose: str) -> bytes:
        """Return `body` behind its signature, or as it is where there is no key.

        `what` it is, and `whose`, are what `open` must be told to get it back.
        """
        if not self.keys:
            return body
        key = self.keys[0]
        return b"".join((_head(key, what, whose, body), body))

    def open(self, signed: bytes, what: str, *whose: str) -> memoryview:
        """Return what was signed, the signature verified.

        Raises:
            BadSignature: It was not signed by these keys as this, for these.
        """
        if not signed.startswith(MARK):
            if self.keys:
                raise BadSignature(f"{what} is not signed: nobody who has the keys wrote it")
            return memoryview(signed)
        id = signed[len(MARK) : len(MARK) + ID_CHARS]
        key = self._by_id.get(id.decode(errors="replace"))
        if key is None:
            raise BadSignature(_unknown(what, bool(self.keys)))
        body = memoryview(signed)[HEAD_BYTES:]
        if not hmac.compare_digest(signed[:HEAD_BYTES], _head(key, what, whose, body)):
            raise BadSignature(
                f"{what} is not what was signed: Redis was written by somebody without the keys"
            )
        return body


def bare(signed: bytes) -> bytes:
    """Return what stands behind a signature, unverified: to compare, never to load."""
    return signed[HEAD_BYTES:] if signed.startswith(MARK) else signed


def _head(key: Key, what: str, whose: Sequence[str], body: bytes | memoryview) -> bytes:
    return MARK + f"{key.id}:{_mac(key.secret, what, whose, body)}:".encode()


def _mac(secret: bytes, what: str, whose: Sequence[str], body: bytes | memoryview) -> str:
    head = json.dumps([what, *whose]).encode()
    mac = hmac.new(secret, len(head).to_bytes(8, "big") + head, sha256)
    mac.update(body)
    return mac.hexdigest()


def _unknown(what: str, has_keys: bool) -> str:
    if has_keys:
        return (
            f"{what} is signed with a key that is not known here: give all servers and workers "
            "the same TASKKIT_SIGNING_KEYS, the old ones after the new"
        )
    return (
        f"{what} is signed, and there are no keys here to verify it: give all servers and "
        "workers the same TASKKIT_SIGNING_KEYS"
    )
