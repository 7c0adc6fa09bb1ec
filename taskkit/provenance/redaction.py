"""Takes out of a card what opens doors, as far as its name or its form says that it does."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "…"

MOST_DEPTH = 30
"""How deep a card may be; what is below is left out."""

_NAME = re.compile(
    r"(.*[_-])?(pass(word|wd|phrase)?|secret|token|credentials?|api_?key|access_?key|private_?key"
    r"|auth(orization)?)([_-].*)?",
    re.IGNORECASE,
)
_WORDS = r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|api_?key|access_?key)\w*"
_ASSIGNED = re.compile(
    rf"""(?P<name>\b{_WORDS}["']?\]?\s*(?:=|:|,)\s*)(?P<quote>["'])(?:(?!(?P=quote))[^\\\n]|\\.)+(?P=quote)""",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<=://)[^/@\s\"']*@")
"""What stands before the host in an address: a name, mostly with a password."""

_KNOWN = re.compile(
    r"\b(?:tk_[A-Za-z0-9_-]{16,}|gh[opsu]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|sk-[A-Za-z0-9_-]{20,}"
    r"|AKIA[0-9A-Z]{16}|xox[abps]-[A-Za-z0-9-]{10,}|glpat-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,})"
    r"|(?<=Bearer )[A-Za-z0-9._~+/-]{16,}=*"
)
"""Tokens that their makers gave a form: taskkit's, GitHub's, OpenAI's, AWS', Slack's, GitLab's,
Hugging Face's; and whatever bears."""

_PUBLIC = re.compile(r"(sha256|blake3|digest)", re.IGNORECASE)

_NAMES_OF_PACKAGES = ("environment.packages", "environment.files", "code.needs")


def redacted(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card with `HIDDEN` in the place of secrets; ``redacted`` lists where.

    Values under a name like ``password``, passwords in addresses, tokens of known forms, and in
    texts (source, output) what is assigned to such a name. What is named otherwise stays: look at a
    card before it is published.
    """
    places: list[str] = list(card.get("redacted", ()))
    parts = {_readable(name): value for name, value in card.items()}
    found = {name: _redacted(value, name, places) for name, value in parts.items()}
    return {**found, "redacted": sorted({_readable(place) for place in places})}


def redacted_text(text: str) -> str:
    """Return a text likewise.

    >>> redacted_text('api_key = "abc"; redis://me:hush@db')
    'api_key = "…"; redis://…@db'
    """
    text = _USER.sub(f"{HIDDEN}@", text)
    text = _ASSIGNED.sub(rf"\g<name>\g<quote>{HIDDEN}\g<quote>", text)
    return _KNOWN.sub(HIDDEN, text)


def is_secret(name: str) -> bool:
    """Return whether what has this name is not to be shown.

    >>> [is_secret(name) for name in ("password", "db_token", "api_key", "keys", "tokenizer")]
    [True, True, True, False, False]
    """
    return _NAME.fullmatch(name) is not None and not _PUBLIC.search(name)


def _redacted(value: Any, place: str, places: list[str], depth: int = MOST_DEPTH) -> Any:
    match value:
        case str():
            text = _readable(value)
            told = redacted_text(text)
            if told != text:
                places.append(place)
            return told
        case float() if not math.isfinite(value):  # which JSON does not have
            return str(value)
        case dict() | list() if not depth:
            return HIDDEN
        case dict():
            return {
                _readable(str(name)): _hidden(f"{place}.{name}", places)
                if _is_hidden(place, str(name), member)
                else _redacted(member, f"{place}.{name}", places, depth - 1)
                for name, member in value.items()
            }
        case list():
            parts = enumerate(value)
            return [_redacted(part, f"{place}.{n}", places, depth - 1) for n, part in parts]
    return value


def _readable(text: str) -> str:
    """Return a text with half surrogate pairs written out: no UTF-8 carries them."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _is_hidden(place: str, name: str, member: Any) -> bool:
    is_named = place not in _NAMES_OF_PACKAGES and is_secret(name)
    return is_named and member not in (None, "", HIDDEN)


def _hidden(place: str, places: list[str]) -> str:
    places.append(place)
    return HIDDEN
