"""What a submission says of itself for whom an earlier result of an equal call will do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Protocol

from ..identity import made_of
from ..protocol.identity import Identity
from ..travel.awaited import Awaited


class Shipping(Protocol):
    """A function on its way; see `shipping.Shipped`."""

    def identity(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        jobs: Sequence[Awaited],
        declared: Mapping[str, str],
        *,
        has_place: bool,
    ) -> Identity:
        """Return what a call of it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How calls are asked for."""

    is_renewed: bool
    #: Whether they are to be run in any case.
    has_place: bool
    #: Whether they are of a map.
    versions: Callable[[str], frozenset[str]]
    #: Brings the versions of a named task that workers have now.

    def of_call(
        self,
        shipped: Shipping,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        jobs: Sequence[Awaited],
        declared: Mapping[str, str],
    ) -> dict[str, Any]:
        """Return what the call of a shipped function is, as `POST /jobs` takes it."""
        found = shipped.identity(args, kwargs, jobs, declared, has_place=self.has_place)
        return self._said(found)

    def of_task(
        self, task: str, positional: Sequence[Any], arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what the call of a named task is."""
        versions = self.versions(task)
        unsure = ""
        if len(versions) > 1:
            unsure = f"the workers have different versions of `{task}`"
        elif versions <= {""}:
            unsure = f"no worker says which version of `{task}` it has"
        given = {**{str(n): value for n, value in enumerate(positional)}, **arguments}
        marks = {f"argument:{name}": _mark(value) for name, value in given.items()}
        code = {f"code:{task}": "".join(sorted(versions))}
        return self._said(made_of({**code, **marks}, task, unsure, has_place=self.has_place))

    def _said(self, identity: Identity) -> dict[str, Any]:
        said = asdict(replace(identity, is_renewed=self.is_renewed))
        return {name: value for name, value in said.items() if value}


def _mark(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
