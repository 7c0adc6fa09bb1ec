"""All settings as text: a commented file of the defaults, and what holds as it may be shown."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from .loading import Loaded
from .tables import SETTINGS, Configuration, Setting
from .urls import HIDDEN, masked

_WIDTH = 100


def default_file() -> str:
    """Return a `taskkit.toml` that changes nothing: what has no default stands behind a ``#``."""
    head = (
        "# What taskkit is told. Arguments and TASKKIT_… variables are stronger than this file.",
        '# What is secret may be in a file of its own: token_file = "/etc/taskkit/token".',
    )
    return "\n".join([*head, *_tables()]) + "\n"


def _tables() -> Iterator[str]:
    for table, settings in groupby(SETTINGS, key=lambda one: one.table):
        model = Configuration.model_fields[table].annotation
        yield ""
        yield f"# {(getattr(model, '__doc__', None) or '').strip()}"
        yield f"[{table}]"
        for setting in settings:
            yield from textwrap.wrap(
                f"{setting.description} ({setting.variable}).",
                _WIDTH,
                initial_indent="# ",
                subsequent_indent="# ",
            )
            yield _line(setting)


def _line(setting: Setting) -> str:
    if setting.default is None:
        return f"# {setting.key} ="
    return f"{setting.key} = {as_toml(setting.default)}"


def as_toml(value: Any) -> str:
    """Return a value as TOML writes it. Of what settings are, JSON is the same."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def shown(loaded: Loaded, setting: Setting) -> Any:
    """Return a value as it may be shown, JSON-ready: secrets masked."""
    value = loaded.value(setting)
    if value is None:
        return None
    if setting.secret:
        return masked(str(value)) if setting.secret.is_url else HIDDEN
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value
