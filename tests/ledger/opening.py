"""The signed ledger as its users see it together: a job is verified where it is claimed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from taskkit.ledger import Claim, Full, JobRef
from taskkit.ledger.redis_signed import SignedLedger
from taskkit.protocol.signed_spec import open_spec
from taskkit.protocol.signing import Keyring

KEYS = Keyring(["k" * 32])


class OpeningLedger(SignedLedger):
    """Hands out jobs as workers run them."""

    def __init__(self, url: str, **terms: Any) -> None:
        super().__init__(url, KEYS, **terms)

    def claim(self, ref: JobRef, *, worker: str, pid: int) -> Claim | None:
        return _opened(super().claim(ref, worker=worker, pid=pid))

    def claim_next(self, queue: str, **process: Any) -> Claim | Full | None:
        return _opened(super().claim_next(queue, **process))

    def take(self, *args: Any, **process: Any) -> Claim | str | None:
        came = super().take(*args, **process)
        return _opened(came) if isinstance(came, Claim) else came

    def rise(self, **process: Any) -> Claim | Full | None:
        return _opened(super().rise(**process))

    def _finish(self, *args: Any) -> Any:
        write, claim = super()._finish(*args)
        return write, _opened(claim)


T = TypeVar("T")


def _opened(claim: T) -> T:
    if not isinstance(claim, Claim):
        return claim
    return replace(claim, spec=open_spec(claim.spec, claim.lease.ref.owner, KEYS))
