"""What workers offer, as of a second ago at most, and whether a submission fits it."""

from __future__ import annotations

import difflib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from taskkit.ledger import Ledger
from taskkit.protocol.errors import InvalidArguments, PythonMismatch, TaskNotFound
from taskkit.protocol.workers import TaskInfo

FRESH_S = 1.0


class Catalogue:
    """Asks the ledger at most once a second, so that submitting need not."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._tasks: dict[str, TaskInfo] = {}
        self._pythons: frozenset[str] = frozenset()

    def task(self, name: str) -> TaskInfo:
        """Return the task called `name`.

        Raises:
            TaskNotFound: With the nearest names.
        """
        self._refresh()
        found = self._tasks.get(name)
        if found is None:
            # It may have come within the last second.
            self._refresh(is_forced=True)
            found = self._tasks.get(name)
        if found is None:
            raise TaskNotFound(self._unknown(name), task=name, nearest=self._nearest(name))
        return found

    def require_python(self, minor: str) -> None:
        """Refuse a function that no worker could load.

        Raises:
            PythonMismatch: There are workers, and all run another minor version.
        """
        self._refresh()
        if self._pythons and minor not in self._pythons:
            self._refresh(is_forced=True)
        if self._pythons and minor not in self._pythons:
            theirs = " and ".join(sorted(self._pythons))
            raise PythonMismatch(
                f"this function comes from Python {minor}, the workers run {theirs}; functions "
                "travel only between equal minor versions: use a kernel with the workers' version, "
                "or start a worker in the kernel's environment",
                kernel=minor,
                workers=sorted(self._pythons),
            )

    def _refresh(self, *, is_forced: bool = False) -> None:
        with self._lock:
            if is_forced or time.monotonic() - self._read_at > FRESH_S:
                workers = self._ledger.workers("")
                self._tasks = {task.name: task for task in self._ledger.tasks()}
                self._pythons = frozenset(worker.python_minor for worker in workers)
                self._read_at = time.monotonic()

    def _nearest(self, name: str) -> list[str]:
        return difflib.get_close_matches(name, self._tasks, n=3, cutoff=0.4)

    def _unknown(self, name: str) -> str:
        nearest = " or ".join(repr(near) for near in self._nearest(name))
        if nearest:
            return f"no worker knows a task {name!r}; did you mean {nearest}?"
        if not self._tasks:
            return f"no worker is there that knows a task {name!r}; start one with `taskkit worker`"
        return f"no worker knows a task {name!r}; there are {', '.join(sorted(self._tasks))}"


def bind(task: TaskInfo, positional: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Return the arguments of a call by name, as JSON.

    Raises:
        InvalidArguments: They do not fit the task's schema; ``details["arguments"]`` names each.
    """
    problems: dict[str, str] = {}
    if len(positional) > len(task.parameters):
        raise InvalidArguments(
            f"{task.name}{task.signature} takes {len(task.parameters)} arguments at most, "
            f"{len(positional)} were given",
            arguments={},
        )
    whole = dict(zip(task.parameters, positional, strict=False))
    for name, value in named.items():
        if name in whole:
            problems[name] = "given by position and by name"
        whole[name] = value
    try:
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        text.encode()
        errors = list(Draft202012Validator(task.schema).iter_errors(whole))
    except (ValueError, RecursionError) as fault:  # half a surrogate pair, or nested too deeply
        raise InvalidArguments(
            f"the arguments of {task.name} cannot be taken: {fault}", task=task.name, arguments={}
        ) from fault
    for error in errors:
        name, words = _explain(error, task)
        problems.setdefault(name, words)
    if problems:
        told = "; ".join(f"{name}: {words}" for name, words in problems.items())
        raise InvalidArguments(
            f"the arguments do not fit {task.name}{task.signature}: {told}",
            task=task.name,
            arguments=problems,
        )
    return text


def _explain(error: ValidationError, task: TaskInfo) -> tuple[str, str]:
    match error.kind:
        case ValidationErrorKind.Required(property=missing):
            return missing, "missing"
        case ValidationErrorKind.AdditionalProperties(unexpected=names):
            known = ", ".join(task.parameters) or "none"
            return str(names[0]), f"unknown; the parameters are {known}"
    name: object = error.instance_path[0] if error.instance_path else "arguments"
    return str(name), error.message
