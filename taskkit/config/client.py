"""The table `client` of the file, read by the standard library alone: for kernels."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..protocol.errors import Misconfigured
from .files import find, secret_in
from .names import BY_FILE

MODE_VARIABLE = "TASKKIT_PROGRESS"
MODES = ("live", "plain", "none")

_KEYS = ("url", "token", "token_file", "progress")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTable:
    """What a file tells a client."""

    path: Path | None = None
    #: The file; None where there is none.
    url: str = ""
    token: str | None = field(default=None, repr=False)
    progress: str = ""


def told(environment: Mapping[str, str]) -> ClientTable:
    """Return what the file says; the variables, which are stronger, are not looked at.

    Raises:
        Misconfigured: The file or its table cannot be used.
    """
    file = find(environment, is_client=True)
    if file is None:
        return ClientTable()
    table = file.tables.get("client", {})
    if not isinstance(table, dict):
        raise Misconfigured(f"{file.place('client')} must be a table")
    for key, value in table.items():
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, 1) or _KEYS
            raise Misconfigured(
                f"{file.place('client', key)}: there is no such setting; did you mean {near[0]}?"
            )
        if not isinstance(value, str):
            raise Misconfigured(f"{file.place('client', key)} must be text, not {value!r}")
    if (mode := table.get("progress", "")) not in ("", *MODES):
        place = file.place("client", "progress")
        raise Misconfigured(f"{place} is live, plain or none, not {mode!r}")
    return ClientTable(
        path=file.path,
        url=table.get("url", "").rstrip("/"),
        token=_token(table, file.path, file.place("client", "token_file")),
        progress=mode,
    )


def _token(table: Mapping[str, Any], path: Path, place: str) -> str | None:
    if "token_file" not in table:
        return table.get("token")
    if "token" in table:
        raise Misconfigured(f"{place}: client.token says it as well")
    return secret_in(path.absolute().parent / Path(table["token_file"]).expanduser(), place)


def token_of(environment: Mapping[str, str]) -> str | None:
    """Return the token that a variable holds, or the file that one names.

    Raises:
        Misconfigured: That file cannot be read.
    """
    if token := environment.get("TASKKIT_TOKEN"):
        return token
    variable = f"TASKKIT_TOKEN{BY_FILE}"
    named = environment.get(variable)
    return secret_in(Path(named), variable) if named else None


def progress(environment: Mapping[str, str] = os.environ) -> str:
    """Return what cells show: ``live``, ``plain`` or ``none``; as ever where a file is broken."""
    if mode := environment.get(MODE_VARIABLE, "").strip().lower():
        return mode
    with suppress(Misconfigured):  # `Client` and the commands say so
        return told(environment).progress or "live"
    return "live"
