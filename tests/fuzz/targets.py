"""The targets by name: each as it is, and with a mistake planted that it must find."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import application as app
import parsers as of
from parsers import Check


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that is fuzzed."""

    make: Callable[[], Check]
    planted: Callable[[], Check]
    runs: int = 10_000
    #: How often in a short run.


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="taskkit-fuzz-"))


TARGETS = {
    "authorization": Target(of.authorization, lambda: of.authorization(of.careless_bearer)),
    "origins": Target(of.origins, lambda: of.origins(of.careless_gate)),
    "places": Target(of.places, lambda: of.places(of.careless_place)),
    "signatures": Target(of.signatures, lambda: of.signatures(of.CarelessKeyring), 3000),
    "wire_events": Target(of.wire_events, lambda: of.wire_events(of.careless_event)),
    "kept_events": Target(of.kept_events, lambda: of.kept_events(of.careless_entry)),
    "kept_records": Target(of.kept_records, lambda: of.kept_records(of.careless_record)),
    "manifests": Target(of.manifests, lambda: of.manifests(of.careless_manifest)),
    "wake_ups": Target(of.wake_ups, lambda: of.wake_ups(of.careless_wake_up)),
    "configurations": Target(
        lambda: of.configurations(_folder()),
        lambda: of.configurations(_folder(), of.careless_configuration),
        1000,
    ),
    "variables": Target(of.variables, lambda: of.variables(of.careless_variables)),
    "requests": Target(app.requests, lambda: app.requests(app.CarelessLedger), 1000),
    "submissions": Target(app.submissions, lambda: app.submissions(app.CarelessLedger), 1000),
    "heads": Target(app.heads, lambda: app.heads(app.CarelessParted), 3000),
    "frames": Target(app.frames, lambda: app.frames(is_planted=True), 500),
}
