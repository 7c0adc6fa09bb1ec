"""What is signed comes back for whom it was signed, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.protocol.errors import BadSignature
from taskkit.protocol.options import JobOptions
from taskkit.protocol.signed_spec import open_spec, sign_spec
from taskkit.protocol.signing import HEAD_BYTES, Keyring, bare
from taskkit.protocol.spec import JobSpec, sealed

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
SHIPPED = JobSpec(task="fit", function="ab" * 32, payload=b"\x80args", python="3.11")
NAMED = JobSpec(task="ising", arguments='{"size":64}')


@given(body=st.binary(max_size=300), place=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_changed_byte_anywhere_is_found(body: bytes, place: int, flip: int) -> None:
    """In the mark, in the key's id, in the signature or in what is signed."""
    keys = Keyring([NEW])
    signed = bytearray(keys.sign(body, "a job", "ada"))
    assert keys.open(bytes(signed), "a job", "ada") == body
    signed[place % len(signed)] ^= flip
    with pytest.raises(BadSignature):
        keys.open(bytes(signed), "a job", "ada")


@pytest.mark.parametrize("length", range(HEAD_BYTES + 1))
def test_a_cut_signature_is_none(length: int) -> None:
    """However much of it there is."""
    keys = Keyring([NEW])
    with pytest.raises(BadSignature):
        keys.open(keys.sign(b"x", "a job", "ada")[:length], "a job", "ada")


@pytest.mark.parametrize("whose", [("bob",), (), ("ada", ""), ("a", "da")])
def test_what_is_one_users_is_not_anothers(whose: tuple[str, ...]) -> None:
    """Nor something else of theirs; parts do not run into one another."""
    keys = Keyring([NEW])
    signed = keys.sign(b"x", "a job", "ada")
    with pytest.raises(BadSignature, match="not what was signed"):
        keys.open(signed, "a job", *whose)
    with pytest.raises(BadSignature):
        keys.open(signed, "a result", "ada")


def test_keys_change_one_after_the_other() -> None:
    """The first signs, all verify; one that was taken away verifies nothing, and is told of."""
    signed = Keyring([OLD]).sign(b"x", "a job")
    both = Keyring([NEW, OLD])
    assert both.open(signed, "a job") == b"x"
    assert Keyring([NEW]).open(both.sign(b"y", "a job"), "a job") == b"y"
    with pytest.raises(BadSignature, match="TASKKIT_SIGNING_KEYS, the old ones after the new"):
        Keyring([NEW]).open(signed, "a job")


def test_without_keys_redis_is_trusted() -> None:
    """As before there were any; but what is signed is not taken for what it stands before."""
    none = Keyring()
    assert none.open(none.sign(b"x", "a job"), "a job") == b"x"
    with pytest.raises(BadSignature, match="there are no keys here"):
        none.open(Keyring([NEW]).sign(b"x", "a job"), "a job")
    with pytest.raises(BadSignature, match="is not signed"):
        Keyring([NEW]).open(b"x", "a job")


def test_a_key_that_could_be_guessed_is_refused() -> None:
    """And no key is in what is shown of it."""
    with pytest.raises(ValueError, match="32 characters"):
        Keyring(["password"])
    assert NEW not in repr(Keyring([NEW]).keys)
    assert NEW[:8] != Keyring([NEW]).keys[0].id


@pytest.mark.parametrize("spec", [SHIPPED, NAMED], ids=["shipped", "named"])
def test_a_spec_comes_back(spec: JobSpec) -> None:
    """As it was submitted, its options beside it."""
    spec = replace(spec, options=JobOptions(retries=2), blobs=("cd" * 32,))
    keys = Keyring([NEW])
    signed = sign_spec(spec, "ada", keys)
    assert signed != spec
    assert open_spec(signed, "ada", keys) == spec
    assert sign_spec(spec, "ada", Keyring()) == spec


@pytest.mark.parametrize(
    ("spec", "changed"),
    [
        (SHIPPED, {"task": "other"}),
        (SHIPPED, {"function": "cd" * 32}),
        (SHIPPED, {"function": None}),
        (SHIPPED, {"python": "3.12"}),
        (SHIPPED, {"payload": b"\x80other"}),
        (NAMED, {"task": "other"}),
        (NAMED, {"arguments": '{"size":65}'}),
        (NAMED, {"function": "ab" * 32, "payload": b"\x80args", "python": "3.11"}),
    ],
)
def test_a_spec_is_signed_as_a_whole(spec: JobSpec, changed: dict[str, object]) -> None:
    """No part of it can be put in another's place; nor all of it under another owner."""
    keys = Keyring([NEW])
    signed = sign_spec(spec, "ada", keys)
    with pytest.raises(BadSignature):
        open_spec(replace(signed, **changed), "ada", keys)  # type: ignore[arg-type]
    with pytest.raises(BadSignature):
        open_spec(signed, "bob", keys)


@pytest.mark.parametrize(
    "spec", [SHIPPED, NAMED, replace(SHIPPED, payload=sealed(b"w" * 32, b"\x80args"))]
)
def test_the_same_request_is_the_same_job_whatever_the_key(spec: JobSpec) -> None:
    """An idempotency key outlives a signing key."""
    digests = {sign_spec(spec, "ada", keys).digest() for keys in (Keyring([OLD]), Keyring([NEW]))}
    assert digests == {spec.digest()}
    assert replace(spec, task="other").digest() not in digests


def test_what_stands_behind_a_signature_can_be_compared() -> None:
    """Without any key."""
    assert bare(Keyring([OTHER]).sign(b"x", "a job")) == bare(b"x") == b"x"
