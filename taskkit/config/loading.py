"""All that is told, put together and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from ..protocol.errors import Misconfigured
from . import files
from .names import FILE
from .redis_address import redis_address
from .sources import DEFAULT, Name, Origin, Told, by_arguments, by_file, by_variables
from .tables import SETTINGS, Configuration, Setting
from .urls import has_password

_WHATEVER_ELSE = tuple(name for name in Configuration.model_fields if name != "client")

_BY_NAME = {(one.table, one.key): one for one in SETTINGS}

Arguments = Mapping[str, tuple[str, Any]]
"""Setting's name -> (argument's name, value); None is one that was not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What holds, and who told it."""

    configuration: Configuration
    origins: Mapping[Name, Origin]
    #: Of those that were told at all.
    file: Path | None
    warnings: tuple[str, ...] = ()

    def value(self, setting: Setting) -> Any:
        """Return what holds of one setting."""
        return getattr(getattr(self.configuration, setting.table), setting.key)

    def origin(self, setting: Setting) -> Origin:
        """Return who told it."""
        return self.origins.get((setting.table, setting.key), DEFAULT)


def load(
    environment: Mapping[str, str], arguments: Arguments, *, path: Path | None = None
) -> Loaded:
    """Return what is told; `path` is a file that was named by an argument.

    Raises:
        Misconfigured: Something cannot be. All of it is named, each with its place.
    """
    file = files.find(environment, path)
    of_client = files.find(environment, path, is_client=True)
    sources = (
        by_arguments(arguments),
        by_variables(environment),
        by_file(file, _WHATEVER_ELSE),
        by_file(of_client, ("client",)),
    )
    loaded = _put_together(sources, file)
    if file and "client" in file.tables and of_client != file:
        passed = f"{file.place('client')} is not read: notebooks pass over the folder they are in"
        where = f"put it into {files.user_file()}, or name this file by {FILE}"
        return _warned(loaded, f"{passed}; {where}")
    return loaded


def check(path: Path) -> Loaded:
    """Return what a file alone tells.

    Raises:
        Misconfigured: As `load`.
    """
    file = files.read(path)
    return _put_together((by_file(file, Configuration.model_fields),), file)


def _put_together(sources: tuple[Told, ...], file: files.TomlFile | None) -> Loaded:
    origins: dict[Name, Origin] = {}
    for told in reversed(sources):
        origins |= told.origins
    wrong = list(dict.fromkeys(sentence for told in sources for sentence in told.wrong))
    try:
        configuration = _validated(sources)
    except ValidationError as error:
        wrong += _faults(error, origins)
    if wrong:
        raise Misconfigured(_together(wrong))
    loaded = Loaded(configuration=configuration, origins=origins, file=file.path if file else None)
    if file and file.is_readable_by_others:
        for setting in SETTINGS:
            if _is_bare(loaded, setting):
                place = loaded.origin(setting).place
                return _warned(loaded, f"{place} is secret, and every user can read it: chmod 600")
    return loaded


def _validated(sources: tuple[Told, ...]) -> Configuration:
    class Sourced(Configuration):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: object, **__: object
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Return ours, the strongest first, instead of those that are built in."""
            return tuple(_Source(settings_cls, told) for told in sources)

    return Sourced()


class _Source(PydanticBaseSettingsSource):
    """What one of them tells, for pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings], told: Told) -> None:
        super().__init__(settings_cls)
        self._told = told

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return one table."""
        return self._told.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all tables."""
        return self._told.values


def _faults(error: ValidationError, origins: Mapping[Name, Origin]) -> list[str]:
    found = []
    for fault in error.errors(include_url=False):
        table, key = (*map(str, fault["loc"]), "", "")[:2]
        setting = _BY_NAME.get((table, key))
        if setting is None:  # settings that do not go together
            said = fault["msg"].removeprefix("Value error, ")
            found.append(f"[{table}]: {said}")
            continue
        place = origins.get((table, key), Origin("default", setting.name)).place
        said = (
            fault["msg"].replace("Input should", "it should").replace("String should", "it should")
        )
        value = "" if setting.secret else f", not {fault['input']!r}"
        named = "" if setting.name in place else f" ({setting.name})"
        found.append(f"{place}{named}: {said}{value}")
    return found


def _together(wrong: list[str]) -> str:
    if len(wrong) == 1:
        return wrong[0]
    return "the configuration cannot be used:" + "".join(f"\n  {sentence}" for sentence in wrong)


def _is_bare(loaded: Loaded, setting: Setting) -> bool:
    """Return whether the file itself holds a secret."""
    if not loaded.origin(setting).is_secret_in_file or setting.secret is None:
        return False
    return not setting.secret.is_url or has_password(loaded.value(setting))


def _warned(loaded: Loaded, sentence: str) -> Loaded:
    return replace(loaded, warnings=(*loaded.warnings, sentence))


def redis_of(told: Configuration) -> str:
    """Return where Redis is, with what its encryption needs.

    Raises:
        Misconfigured: Nobody said it, or it is not safe to go there.
    """
    redis = told.redis
    if redis.url is None:
        raise Misconfigured("TASKKIT_REDIS_URL is not set; it says where Redis is")
    return redis_address(
        redis.url,
        ca_file=redis.ca_file,
        cert_file=redis.cert_file,
        key_file=redis.key_file,
        may_be_plain=redis.plain,
    )
