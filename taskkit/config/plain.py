"""The few settings that a stack tells its parts, read without pydantic.

`loading` reads all that can be told and says what is wrong with it; its imports are 10 MB of each
process and 0.1 s of its start. Nothing is judged here: where anything else is told, or in another
way, `loading` is to be asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from . import files
from .names import FILE, settings_in
from .urls import is_loopback

VARIABLES = {
    "TASKKIT_REDIS_URL": "redis.url",
    "TASKKIT_BLOBS": "blobs.place",
    "TASKKIT_TOKEN": "token",
}
"""Variable -> the setting's name; of a token the same for all tables that have one."""


def plain(
    environment: Mapping[str, str],
    arguments: Mapping[str, tuple[str, Any]],
    allowed: Collection[str],
) -> dict[str, Any] | None:
    """Return what is told, by the settings' names; None where it is more than a stack tells.

    arguments: as `loading.load` takes them, parsed. allowed: which of them a stack gives.
    """
    if environment.get(FILE) or any(path.is_file() for path in files.places()):
        return None
    told: dict[str, Any] = {}
    for variable, text in settings_in(environment).items():
        if variable not in VARIABLES:
            return None
        told[VARIABLES[variable]] = text
    for name, (_, value) in arguments.items():
        if value is None:
            continue
        if name not in allowed:
            return None
        told[name] = value
    return told if _is_of_this_machine(told.get("redis.url", "")) else None


def _is_of_this_machine(url: str) -> bool:
    """Return whether an address of Redis needs neither encryption nor another look."""
    if url.startswith("unix://"):
        return True
    return url.startswith("redis://") and is_loopback(urlsplit(url).hostname or "localhost")
