"""What a job is made of, signed: whose it is, its task, its function and its arguments."""

from __future__ import annotations

from dataclasses import replace

from .signing import Keyring
from .spec import FUNCTION_KEY, JobSpec, function_digest

WHAT = "what the job is to run"


def sign_spec(spec: JobSpec, owner: str, keys: Keyring) -> JobSpec:
    """Return a spec as the ledger keeps it.

    Large values are bound by their digests, which the payload names. A function goes by its digest
    and the key that has signed it, so that under another key it is asked for again.
    """
    if not keys:
        return spec
    if spec.function is None:
        arguments = keys.sign(spec.arguments.encode(), *_bound(spec, owner))
        return replace(spec, arguments=arguments.decode())
    return replace(
        spec,
        payload=keys.sign(spec.payload, *_bound(spec, owner)),
        function=kept_as(spec.function, keys),
    )


def open_spec(spec: JobSpec, owner: str, keys: Keyring) -> JobSpec:
    """Return the spec that was signed.

    Raises:
        BadSignature: It is another's, or of another task, function or Python, or was changed.
    """
    if spec.function is None:
        arguments = keys.open(spec.arguments.encode(), *_bound(spec, owner))
        return replace(spec, arguments=str(arguments, "utf-8"))
    payload = keys.open(spec.payload, *_bound(spec, owner))
    return replace(spec, payload=bytes(payload), function=function_digest(spec.function))


def kept_as(digest: str, keys: Keyring, place: int = 0) -> str:
    """Return the name under which the ledger keeps a function that one of the keys has signed."""
    return f"{digest}{FUNCTION_KEY}{keys.keys[place].id}" if keys else digest


def _bound(spec: JobSpec, owner: str) -> tuple[str, ...]:
    function = "" if spec.function is None else function_digest(spec.function)
    return WHAT, owner, spec.task, function, spec.python
