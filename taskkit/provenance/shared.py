"""What a card says to whoever looks at it by a share: how it came about, and not of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOLD_OF_CODE = (
    *("form", "task", "module", "qualname", "distribution", "version", "module_sha256"),
    *("source_sha256", "sha256", "pickle_sha256", "python", "needs"),
)


def as_shared_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card without source and arguments, of which the digests stay; ``unknown`` says so.

    Neither is in a panel. The owner who wants to show them gives the card itself.
    """
    told, given = card["code"], card["arguments"]
    code = {name: told[name] for name in _TOLD_OF_CODE if name in told}
    arguments = {name: value for name, value in given.items() if name != "value"}
    withheld = [
        "code: the source is not shown by a link",
        "arguments: their values are not shown by a link",
        "seed: it is one of the arguments",
    ]
    unknown = [one for one in card["unknown"] if not one.startswith("seed:")]
    return {
        **card,
        "code": code,
        "arguments": {**arguments, "is_kept": False},
        "seed": None,
        "unknown": [*unknown, *withheld],
    }
