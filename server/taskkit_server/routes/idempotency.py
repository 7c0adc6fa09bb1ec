"""The ``Idempotency-Key`` of a request: what makes it safe to send again.

The key is a structured string, ``"8e03978e"``, or the same without quotes. The same key with the
same work gives what the first request gave, also while that is under way; with another, 422.

Source: draft-ietf-httpapi-idempotency-key-header-07, sections 2.1, 2.6 and 2.7; RFC 9651, 4.2.5.
"""

from __future__ import annotations

import re
import uuid

from flask import request
from pydantic import TypeAdapter, ValidationError

from taskkit.protocol.errors import RequestError

from ..contract.operations import Header
from .submissions import Key

HEADER = Header(
    name="Idempotency-Key",
    means="Makes the request safe to send again: the same key is the same job. As a structured "
    'string (`"…"`) or bare; printable ASCII without spaces.',
    pattern=r'^(?:[!#-~][!-~]{0,194}|"(?:[!#-\[\]-~]|\\["\\]){1,195}")$',
)

_KEY: TypeAdapter[str] = TypeAdapter(Key)

_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')


def given_key() -> str | None:
    """Return the key that the request brings, None where it brings none.

    Raises:
        RequestError: It is malformed.
    """
    text = request.headers.get(HEADER.name)
    if text is None:
        return None
    if text.startswith('"'):
        found = _STRING.fullmatch(text)
        if found is None:
            raise RequestError(f"{HEADER.name}: it begins with a quote and is no string")
        text = re.sub(r"\\(.)", r"\1", found[1])
    return checked_key(text)


def keys_for(many: int) -> list[str]:
    """Return a key for each job of a request that may not have its own.

    One key for several jobs has the place of each in the request added to it.

    Raises:
        RequestError: The header is malformed.
    """
    given = given_key()
    if given is None:
        return [uuid.uuid4().hex for _ in range(many)]
    if many == 1:
        return [given]
    return [checked_key(f"{given}:{n}") for n in range(many)]


def checked_key(key: str) -> str:
    """Return a key that came in a header.

    Raises:
        RequestError: It is empty, too long, or more than visible ASCII.
    """
    try:
        return _KEY.validate_python(key)
    except ValidationError as error:
        raise RequestError(f"{HEADER.name}: {error.errors()[0]['msg']}") from error
