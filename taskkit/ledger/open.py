"""One way to open the ledger that a URL names, and what is kept beside it."""

from __future__ import annotations

from ..protocol.limits import RETENTION_S
from ..protocol.signing import Keyring
from .base import Ledger
from .broker_lists import BrokerLists
from .copies import Copier
from .figures import Figures
from .outbox import Outbox
from .tokens import Shares, Tokens


def open_ledger(
    url: str, keys: Keyring | None = None, *, retention_s: float = RETENTION_S
) -> Ledger:
    """Return the ledger at ``redis://`` or ``rediss://``; nothing is sent before its first use.

    `retention_s` is for what the caller submits; what is final is kept as long as was agreed.
    `keys` sign and verify what it keeps; without any it is trusted.
    """
    from .redis_signed import SignedLedger

    return SignedLedger(url, keys or Keyring(), retention_s=retention_s)


def agree(url: str, *, retention_s: float | None = None) -> None:
    """Return where this code and the ledger at `url` go together; see `redis_schema.agree`.

    Raises:
        Misconfigured: They do not, for the reason in the message.
        Unavailable: Redis does not answer.
    """
    from . import redis_schema

    redis_schema.agree(url, retention_s=retention_s)


def reload_users(url: str) -> None:
    """Have a running Redis take the users of its file; see `redis_accounts.reload_users`."""
    from . import redis_accounts

    redis_accounts.reload_users(url)


def open_copier(url: str) -> Copier:
    """Return what copies and restores the ledger at `url`, the users' tokens with it."""
    from .redis_copy import RedisCopier

    return RedisCopier(url)


def open_tokens(url: str, keys: Keyring | None = None) -> Tokens:
    """Return the users' tokens that are kept beside that ledger, signed by the same keys."""
    from .redis_tokens import RedisTokens

    return RedisTokens(url, keys=keys or Keyring())


def open_shares(url: str, keys: Keyring | None = None) -> Shares:
    """Return the users' shares, kept beside the tokens and signed likewise."""
    from .redis_tokens import RedisShares

    return RedisShares(url, keys=keys or Keyring())


def open_figures(url: str) -> Figures:
    """Return what counts and tells how that ledger stands."""
    from .redis_figures import RedisFigures

    return RedisFigures(url)


def open_broker_lists(url: str) -> BrokerLists:
    """Return the lists of wake-ups in that Redis."""
    from .redis_broker_lists import RedisBrokerLists

    return RedisBrokerLists(url)


def open_outbox(url: str) -> Outbox:
    """Return the wake-ups of that ledger, for whoever carries them on to another broker."""
    from .redis_outbox import RedisOutbox

    return RedisOutbox(url)
