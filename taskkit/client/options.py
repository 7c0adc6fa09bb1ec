"""What `Client.options` takes, checked before anything is sent."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from numbers import Real
from typing import Any, Literal

from ..protocol.exceptions import exception_name
from ..protocol.needs import canonical
from ..protocol.options import (
    DISTRIBUTION_PATTERN,
    EXCEPTION_CHARS,
    KEY_CHARS,
    MOST_CPUS,
    MOST_EXCEPTIONS,
    MOST_MEMORY_MIB,
    MOST_PACKAGES,
    MOST_PRIORITY,
    MOST_RETRIES,
    MOST_TAGS,
    MOST_TIMEOUT_S,
    NAME_CHARS,
    SESSION_CHARS,
    is_queue,
    is_tag,
)

ExceptionClass = type[BaseException] | str
Cache = bool | Literal["renew"]
RetryOn = ExceptionClass | Iterable[ExceptionClass]


class Kept(Enum):
    """The default of each option: as it was with the client that `options` was called on."""

    KEPT = "kept"

    def __repr__(self) -> str:
        return "KEPT"


KEPT = Kept.KEPT


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, as a submission holds them.

    Raises:
        TypeError, ValueError: One of them cannot be; the message names it.
    """
    return {name: _CHECKS[name](value) for name, value in given.items() if value is not KEPT}


def checked_key(key: str | None) -> str | None:
    """Return an idempotency key that the server will take."""
    if key is None:
        return None
    _require(isinstance(key, str), TypeError, "key", "is a text", key)
    is_visible = re.fullmatch(r"[\x21-\x7e]+", key) is not None
    _require(is_visible, ValueError, "key", "has visible ASCII characters and no spaces", key)
    is_short = len(key) <= KEY_CHARS
    _require(is_short, ValueError, "key", f"has at most {KEY_CHARS} characters", key)
    return key


def _text(name: str, most_chars: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        _require(isinstance(value, str), TypeError, name, "is a text", value)
        is_short = len(value) <= most_chars
        _require(is_short, ValueError, name, f"has at most {most_chars} characters", value)
        return str(value)

    return check


def _whole(name: str, least: int, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        is_whole = hasattr(value, "__index__") and not isinstance(value, bool)
        _require(is_whole, TypeError, name, "is a whole number", value)
        number = operator.index(value)
        _require(least <= number <= most, ValueError, name, f"is within {least} to {most}", value)
        return number

    return check


def _queue(value: Any) -> str:
    _require(isinstance(value, str), TypeError, "queue", "is a text", value)
    _require(
        is_queue(value), ValueError, "queue", "is of a-z, 0-9, _ and -, 50 of them at most", value
    )
    return str(value)


def _amount(name: str, most: float) -> Callable[[Any], float | None]:
    def check(value: Any) -> float | None:
        if value is None:
            return None
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        _require(is_number, TypeError, name, "is a number or None", value)
        amount = float(value)
        is_possible = math.isfinite(amount) and 0 < amount <= most
        _require(is_possible, ValueError, name, f"is above 0 and at most {most:,.0f}", value)
        return amount

    return check


def _cpus(value: Any) -> int | None:
    return None if value is None else _whole("cpus", 1, MOST_CPUS)(value)


def _tags(value: Any) -> tuple[str, ...]:
    given = (value,) if isinstance(value, str) else value
    _require(isinstance(given, Iterable), TypeError, "tags", "is a text or several", value)
    tags = tuple(dict.fromkeys(given))
    rule = "are of letters, digits and _ . : -, 50 of them at most"
    _require(all(isinstance(tag, str) for tag in tags), TypeError, "tags", "are texts", value)
    _require(all(map(is_tag, tags)), ValueError, "tags", rule, value)
    _require(len(tags) <= MOST_TAGS, ValueError, "tags", f"are {MOST_TAGS} at most", value)
    return tuple(sorted(tags))


def _claim(name: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        _require(isinstance(value, bool), TypeError, name, "is True or False", value)
        return bool(value)

    return check


def _cache(value: Any) -> Cache:
    is_known = isinstance(value, bool) or value == "renew"
    _require(is_known, ValueError, "cache", 'is True, False or "renew"', value)
    return "renew" if value == "renew" else bool(value)


def _python(value: Any) -> str:
    _require(isinstance(value, str), TypeError, "python", "is a text", value)
    is_minor = re.fullmatch(r"([0-9]+\.[0-9]+)?", value) is not None
    _require(is_minor, ValueError, "python", "is a minor version such as '3.11'", value)
    return str(value)


def _packages(value: Any) -> dict[str, str]:
    from ..protocol.fit import is_specifier  # here, for most kernels never need to read versions

    rule = "maps names of distributions to versions such as '==1.26.*'"
    is_mapping = isinstance(value, Mapping)
    _require(is_mapping, TypeError, "packages", rule, value)
    are_texts = all(isinstance(part, str) for item in value.items() for part in item)
    _require(are_texts, TypeError, "packages", rule, value)
    are_names = all(re.fullmatch(DISTRIBUTION_PATTERN, name) for name in value)
    _require(are_names, ValueError, "packages", rule, value)
    _require(all(map(is_specifier, value.values())), ValueError, "packages", rule, value)
    is_short = len(value) <= MOST_PACKAGES
    _require(is_short, ValueError, "packages", f"has at most {MOST_PACKAGES} of them", value)
    return {canonical(name): value[name] for name in sorted(value)}


def _retry_on(value: Any) -> tuple[str, ...]:
    given = (value,) if isinstance(value, str | type) else value
    _require(isinstance(given, Iterable), TypeError, "retry_on", _EXCEPTIONS, value)
    names = tuple(dict.fromkeys(_exception(one) for one in given))
    is_short = len(names) <= MOST_EXCEPTIONS
    _require(is_short, ValueError, "retry_on", f"has at most {MOST_EXCEPTIONS} of them", value)
    return names


def _exception(value: Any) -> str:
    if isinstance(value, str):
        is_name = 0 < len(value) <= EXCEPTION_CHARS and not re.search(r"\s", value)
        _require(is_name, ValueError, "retry_on", "has names such as 'my_lab.Diverged'", value)
        return value
    is_class = isinstance(value, type) and issubclass(value, Exception)
    # What is no `Exception` (KeyboardInterrupt, SystemExit) ends a job, however often it may retry.
    _require(is_class, TypeError, "retry_on", _EXCEPTIONS, value)
    return exception_name(value)


_EXCEPTIONS = "is a class that derives from Exception, its name, or several of them"


def _require(holds: bool, error: type[Exception], name: str, rule: str, value: object) -> None:
    if not holds:
        raise error(f"{name} {rule}; this is {value!r:.200}")


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": _text("name", NAME_CHARS),
    "session": _text("session", SESSION_CHARS),
    "key": checked_key,
    "retries": _whole("retries", 0, MOST_RETRIES),
    "retry_on": _retry_on,
    "timeout_s": _amount("timeout_s", MOST_TIMEOUT_S),
    "memory_mib": _amount("memory_mib", MOST_MEMORY_MIB),
    "queue": _queue,
    "priority": _whole("priority", -MOST_PRIORITY, MOST_PRIORITY),
    "cpus": _cpus,
    "tags": _tags,
    "python": _python,
    "packages": _packages,
    "any_environment": _claim("any_environment"),
    "require_worker": _claim("require_worker"),
    "cache": _cache,
}
