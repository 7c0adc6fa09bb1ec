"""The accounts of `taskkit account`, at a Redis that runs."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import redis

from ..accounts.roles import FORM, mark
from ..accounts.users_file import PREFIX
from ..protocol.errors import Misconfigured, RequestError
from .connection import Connection, refusals


def reload_users(url: str) -> None:
    """Have the Redis at `url`, asked as its admin, take the users of its file.

    Connections of users who are gone or have other rights now are closed by Redis itself, with 6.2
    only those who are gone.

    Raises:
        RequestError: It cannot read the file, and goes on with the users that it has.
        Unavailable: It does not answer.
    """
    with refusals():
        client = Connection(url, ("",)).redis
        try:
            client.acl_load()
        except redis.ResponseError as error:
            raise RequestError(f"Redis does not take the new users: {error}") from error
        finally:
            client.close()


def require_rights(url: str, form: int = FORM) -> None:
    """Return where the account in an address may what this release does. Users that somebody else
    has written are not asked.

    Raises:
        Misconfigured: It has the rights of an older release.
        Unavailable: Redis does not answer.
    """
    user = unquote(urlsplit(url).username or "")
    if not user.startswith(PREFIX):
        return
    with refusals():
        client = Connection(url, ("",)).redis
        try:
            client.exists(mark(form))
        except redis.exceptions.NoPermissionError:
            raise Misconfigured(
                f"the account {user} has the rights of an older taskkit: say `taskkit account "
                "update` where the accounts are, and start this again"
            ) from None
        finally:
            client.close()
