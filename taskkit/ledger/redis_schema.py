"""Which form the keys in Redis have, so that releases of different ages do not harm each other.

Who changes the form of a key raises `FORM`, reads the form before it as well for as long as one
release, and then raises `OLDEST_READ`. `NEEDED` is raised where older code would go wrong on the
new form; while it stays, servers and workers of the release before run on beside newer ones.
"""

from __future__ import annotations

from ..protocol.errors import Misconfigured
from .redis import RedisLedger
from .redis_accounts import require_rights

FORM = 1
"""What this code writes: 1, jobs in lines and counted. 0 is a ledger from before there was a stamp,
whose queued jobs `sweep` has stand in line."""

OLDEST_READ = 0
NEEDED = 1
"""The oldest `FORM` whose code can use what this code writes."""


def agree(
    url: str,
    *,
    retention_s: float | None = None,
    prefix: str = "tk:",
    form: int = FORM,
    oldest_read: int = OLDEST_READ,
    needed: int = NEEDED,
) -> None:
    """Return where this code and the ledger go together; stamp one that has no stamp, or an older.

    `retention_s` holds from then on for all who use the ledger.

    Raises:
        Misconfigured: They do not, or the account lacks rights; nothing was written.
        Unavailable: Redis does not answer.
    """
    kept_ms = "" if retention_s is None else round(retention_s * 1000)
    require_rights(url)
    ledger = RedisLedger(url, prefix=prefix)
    found, needs = ledger.run("agree", form, oldest_read, needed, kept_ms)
    if needs > form:
        raise Misconfigured(
            f"the ledger in Redis was written by a newer taskkit (form {found}, and this one knows "
            f"forms up to {form}): install the release that its other servers and workers have"
        )
    if found < oldest_read:
        raise Misconfigured(
            f"the ledger in Redis was written by a taskkit that is too old (form {found}, and this "
            f"one reads forms from {oldest_read} on): start the release between the two on it once"
        )
