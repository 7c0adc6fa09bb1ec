"""A kernel that runs programs cell by cell, each in a process of its own, and tells what they are.

A line of JSON on its input is a program; one on its output, what came of it: the identity of its
call and the call's result. IPython's shell runs the cells, as a notebook's kernel does.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import numpy  # noqa: F401  # here, so that each program need not wait for it
import pandas  # noqa: F401
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

from taskkit.identity import identify

MOST_CHARS = 4000


def main() -> None:
    """Answer each program by the line after it."""
    HistoryManager.enabled = False
    shell = InteractiveShell.instance()
    sys.dont_write_bytecode = True
    for line in sys.stdin:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            with os.fdopen(write, "w") as answer:
                answer.write(json.dumps(told(shell, json.loads(line))))
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as answer:
            text = answer.read()
        os.waitpid(child, 0)
        print(text or json.dumps({"trouble": "it died"}), flush=True)


def told(shell: InteractiveShell, program: dict[str, Any]) -> dict[str, Any]:
    """Run a program's cells and its call."""
    folder = tempfile.mkdtemp()
    installed = Path(program["site"], str(os.getpid()))
    try:
        for name, text in program["modules"].items():
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_text(text, encoding="utf-8")
        for name, text in program["installed"].items():
            (installed / name).parent.mkdir(parents=True, exist_ok=True)
            (installed / name).write_text(text, encoding="utf-8")
        sys.path[:0] = [folder, str(installed)]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            for cell in program["cells"]:
                ran = shell.run_cell(cell, store_history=True)
                if not ran.success:
                    return {"trouble": printed.getvalue()[-MOST_CHARS:]}
            function, args, kwargs = eval(  # our own programs
                f"(lambda f, *a, **k: (f, a, k))({program['call']})", shell.user_ns
            )
            found = identify(function, args, kwargs, program["declared"])
            try:
                result = repr(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001  # what a mutant does is its own affair
                result = f"{type(error).__name__}: {error}"
        return {
            "key": found.key,
            "unsure": found.unsure,
            "parts": dict(found.parts),
            "result": result[:MOST_CHARS],
        }
    except Exception:  # noqa: BLE001  # the edge of this process
        return {"trouble": traceback.format_exc()[-MOST_CHARS:]}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(installed, ignore_errors=True)


if __name__ == "__main__":
    main()
