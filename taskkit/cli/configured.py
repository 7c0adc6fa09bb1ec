"""What the commands that start something are told, by all who may tell it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..config.names import FILE
from .terminal import caution

if TYPE_CHECKING:
    from ..config.loading import Arguments
    from ..config.tables import Configuration

File = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="A taskkit.toml; otherwise the one of this folder, the user's, or the machine's.",
        show_envvar=False,
        envvar=FILE,
        dir_okay=False,
    ),
]


def configured(arguments: Arguments, file: Path | None) -> Configuration:
    """Return what holds, and say what to think of; what is started reads the same file.

    Raises:
        Misconfigured: Something cannot be.
    """
    from ..config.loading import load

    loaded = load(os.environ, arguments, path=file)
    for warning in loaded.warnings:
        caution(warning)
    if file:  # what was found is found by them, too: they work in the same folder
        os.environ[FILE] = str(file.expanduser().absolute())
    return loaded.configuration
