"""Fuzz the parsers of what strangers send, by coverage: ``python tests/fuzz [NAME…]``.

Each target runs in a process of its own, from its seeds in ``corpus/NAME``. What it finds is left
in ``build/fuzz/NAME``, and what it found new on the way stays in ``build/fuzz/NAME/corpus`` for the
next time.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path

import atheris

HERE = Path(__file__).parent
CODE = ["taskkit", "taskkit_server", "engineio", "socketio", "gunicorn.http", "wsproto"]
CHECKS = ["parsers", "application"]
"""Seen as well, for the mistakes that are planted are in them."""


def main() -> int:
    """Run the targets that are named, else all; return 1 where one found something."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*")
    asked.add_argument("--seconds", type=int, default=0, help="for each; else a short run")
    asked.add_argument("--planted", action="store_true", help="with a mistake in each")
    asked.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    told = asked.parse_args()
    with atheris.instrument_imports(include=[*CODE, *CHECKS]):
        from targets import TARGETS
    found = []
    for name in told.names or TARGETS:
        began = time.monotonic()
        pid = os.fork()
        if not pid:
            _fuzz(name, told.folder.absolute() / name, told)
        _, status = os.waitpid(pid, 0)
        end = os.waitstatus_to_exitcode(status)
        word = "sound" if end == 0 else f"FOUND SOMETHING (exit {end})"
        print(f"fuzz: {name}: {word}, after {time.monotonic() - began:.1f} s", flush=True)
        found += [name] if end else []
    return 1 if found else 0


def _fuzz(name: str, folder: Path, told: argparse.Namespace) -> None:
    """Fuzz one target; does not return."""
    from structures import Source  # noqa: F401
    from targets import TARGETS

    logging.disable(logging.CRITICAL)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    target = TARGETS[name]
    check = (target.planted if told.planted else target.make)()

    def one(data: bytes) -> None:
        check(atheris.FuzzedDataProvider(data))

    long = f"-max_total_time={told.seconds}" if told.seconds else f"-runs={target.runs}"
    limits = ("-max_len=1000", "-len_control=0", "-timeout=20", "-rss_limit_mb=700", "-seed=1")
    words = (HERE / "words.dict",)
    places = [str(corpus), *(str(one) for one in [HERE / "corpus" / name] if one.is_dir())]
    arguments = [*limits, long, f"-artifact_prefix={folder}/", *(f"-dict={one}" for one in words)]
    with (folder / "log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    atheris.Setup([name, *arguments, *places], one)
    atheris.Fuzz()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
