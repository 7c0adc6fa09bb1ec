"""What the variables of the environment are called, of settings and of other things."""

from __future__ import annotations

import re
from collections.abc import Mapping

PREFIX = "TASKKIT_"
FILE = "TASKKIT_CONFIG"
"""Names the file of the configuration."""

BY_FILE = "_FILE"
"""What a variable's name ends in that says in which file a secret is."""

SECRET_VARIABLES = tuple(
    f"TASKKIT_{name}{ending}"
    for name in ("REDIS_URL", "BROKER_URL", "BLOBS", "TOKEN", "SIGNING_KEYS")
    for ending in ("", BY_FILE)
)
"""What a job's process is not given."""

OTHERS = frozenset(
    {FILE, "TASKKIT_ATTEMPT", "TASKKIT_JOB_ID", "TASKKIT_SESSION", "TASKKIT_SUPERVISOR_PID"}
    | {"TASKKIT_SIGNING_KEYS", "TASKKIT_SIGNING_KEYS_FILE"}
)
"""Variables that are no settings: what a job finds of itself, what a notebook's jobs are found by,
what a stack tells its parts."""

_COMPLETION = re.compile(r"_?TASKKIT_COMPLETE(_\w+)?")
# Typer's, by which shells ask for completions.

_OF_KUBERNETES = re.compile(
    r"TASKKIT(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?|NAME)"
)
_LINK = re.compile(r"(tcp|udp|sctp)://")
# Source: Kubernetes, "Accessing the Service": a service `taskkit-server` gives every pod a variable
# TASKKIT_SERVER_PORT, tcp://10.0.0.11:5000, and more of that kind.


def settings_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that mean to be settings; an empty one tells nothing."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX)
        and value.strip()
        and name not in OTHERS
        and not _COMPLETION.fullmatch(name)
        and not _OF_KUBERNETES.fullmatch(name)
        and not _LINK.match(value)
    }
