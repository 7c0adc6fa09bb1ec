"""What may stand behind ``%%job`` and ``%jobs``."""

from __future__ import annotations

import argparse
import shlex
from keyword import iskeyword
from typing import Any, NoReturn

_OPTIONS = (
    *("name", "key", "retries", "retry_on", "timeout_s", "memory_mib", "queue", "priority"),
    *("cpus", "tags"),
)
"""Those of `Client.options` that ``%%job`` has, too."""


class Flags(argparse.ArgumentParser):
    """A parser that ends no kernel."""

    def __init__(self, magic: str) -> None:
        super().__init__(magic, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong.

        Raises:
            ValueError: Always.
        """
        raise ValueError(message)

    def read(self, line: str) -> argparse.Namespace:
        """Return what a line says.

        Raises:
            ValueError: It cannot be read; the message names the flag.
        """
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise ValueError(f"{line!r}: {error}") from None
        return self.parse_args(words)


def options_of(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what is asked of `Client.options`."""
    given = {name: getattr(asked, name) for name in _OPTIONS}
    return {name: value for name, value in given.items() if value is not None}


def job_flags() -> Flags:
    """Return the flags of ``%%job``."""
    flags = Flags("%%job")
    flags.add_argument(
        "-o",
        "--out",
        type=_names,
        default=(),
        metavar="NAME[,NAME]",
        help="bind these names only, and bring nothing else back",
    )
    flags.add_argument("-w", "--wait", action="store_true", help="wait for it, as `result()` does")
    flags.add_argument("-i", "--into", type=_name, metavar="NAME", help="bind the job itself")
    flags.add_argument("-n", "--name", help="what its panel calls it, instead of the cell's number")
    flags.add_argument("-k", "--key", help="the same cell, run again under it, finds the same job")
    flags.add_argument("-r", "--retries", type=int, help="how often to try again after it raised")
    flags.add_argument(
        "--retry-on", type=_words, metavar="ERROR[,ERROR]", help="after which exceptions"
    )
    flags.add_argument("-t", "--timeout-s", type=float, help="how long an attempt may run")
    flags.add_argument("-m", "--memory-mib", type=float, help="how much more memory it may take")
    flags.add_argument("-q", "--queue", help="where it waits, for the workers that serve it")
    flags.add_argument("-p", "--priority", type=int, help="of your own jobs the highest go first")
    flags.add_argument("--cpus", type=int, help="how many of its worker's cores it takes")
    flags.add_argument("--tags", type=_words, metavar="TAG[,TAG]", help="what its worker must have")
    _add_client(flags)
    return flags


def jobs_flags() -> Flags:
    """Return the flags of ``%jobs``."""
    flags = Flags("%jobs")
    flags.add_argument("name", nargs="?", help="only those of this name or task")
    flags.add_argument(
        "-s", "--state", type=_words, metavar="STATE[,STATE]", help="only those in these states"
    )
    flags.add_argument("-n", "--limit", type=int, default=20, help="how many, 20 if not said")
    flags.add_argument("--here", action="store_true", help="only those of this notebook")
    _add_client(flags)
    return flags


def _add_client(flags: Flags) -> None:
    flags.add_argument("-c", "--client", type=_name, metavar="NAME", help="which of several")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _name(text: str) -> str:
    if not text.isidentifier() or iskeyword(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a name")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(map(_name, _words(text)))
