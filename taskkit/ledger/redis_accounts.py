"""Has a running Redis read the file of its users again."""

from __future__ import annotations

import redis

from ..protocol.errors import RequestError
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
