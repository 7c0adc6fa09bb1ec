"""Whether a job is as the server has signed it."""

from __future__ import annotations

from taskkit.ledger import Claim
from taskkit.protocol.errors import BadSignature
from taskkit.protocol.signed_spec import open_spec
from taskkit.protocol.signing import Keyring
from taskkit.protocol.spec import JobSpec


class Genuine:
    """One a pool process."""

    def __init__(self, keys: Keyring) -> None:
        self._keys = keys
        self._opened: tuple[Claim, JobSpec] | None = None
        #: One that was looked at before it is run.

    def spec(self, claim: Claim) -> JobSpec:
        """Return what a job is made of, verified.

        Raises:
            BadSignature: It was not the server who has it run.
        """
        opened, self._opened = self._opened, None
        if opened is not None and opened[0] is claim:
            return opened[1]
        return open_spec(claim.spec, claim.lease.ref.owner, self._keys)

    def is_so(self, claim: Claim) -> bool:
        """Return whether a job is genuine; another one fails when it is run."""
        try:
            self._opened = claim, self.spec(claim)
        except BadSignature:
            return False
        return True
