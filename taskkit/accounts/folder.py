"""A folder of accounts: the file that Redis reads, and for each account its address, mode 0600."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ..protocol.errors import Misconfigured, RequestError
from .roles import OLDEST, Role, Version
from .users_file import Account, read, require_name, written

USERS = "users.acl"
SETTINGS = "accounts.json"
FIRST = (Role.ADMIN, Role.SERVER, Role.BACKUP)
"""The accounts that every folder has."""


class Folder:
    """Accounts that are kept in files; whoever changes them waits for whoever does so already.

    What is written is whole or not there at all, and an account's address is there before Redis is
    told of it, and goes after: who dies in between leaves a folder to which the same can be said.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @property
    def users(self) -> Path:
        """The file that Redis reads, its ``aclfile``."""
        return self.path / USERS

    def address_file(self, name: str) -> Path:
        """Return the file with an account's address."""
        return self.path / f"{name}.url"

    def address(self, name: str) -> str:
        """Return an account's address, password and all.

        Raises:
            RequestError: There is no such account.
        """
        try:
            return self.address_file(require_name(name)).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            known = ", ".join(self.accounts())
            raise RequestError(f"there is no account {name!r} in {self.path}: {known}") from None

    def accounts(self) -> dict[str, Account]:
        """Return the accounts, by their names."""
        try:
            return read(self.users.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RequestError(
                f"{self.path} is no folder of accounts: `taskkit account init` makes one"
            ) from None

    # Changes

    def begin(self, url: str, version: Version) -> None:
        """Make the folder, for the Redis at `url`.

        Raises:
            Misconfigured: It is one already, the address holds a name, or Redis is too old.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss") or not parts.hostname:
            raise Misconfigured("say where Redis is, as rediss://HOST:6379/0")
        if parts.username or parts.password:
            raise Misconfigured("say where Redis is without a name and a password: they are made")
        _require_not_old(version)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            if self.users.exists():
                raise Misconfigured(f"{self.path} has accounts already: create or rotate some")
            self._write_settings({"url": url, "redis_version": list(version)})
            made: dict[str, Account] = {}
            for role in FIRST:
                made[str(role)] = self._with_new_password(Account(name=str(role), hashes=()))
            self._write_users(made)

    def create(self, name: str) -> Path:
        """Add a worker's account; return the file with its address.

        Raises:
            RequestError: There is one of this name already, or it cannot be one.
        """
        with self._alone():
            accounts = self.accounts()
            if require_name(name) in accounts:
                raise RequestError(
                    f"there is an account {name!r} already: `rotate` changes its password"
                )
            made = self._with_new_password(Account(name=name, hashes=()))
            self._write_users({**accounts, name: made})
        return self.address_file(name)

    def rotate(self, name: str, *, keeps_last: bool = True) -> Path:
        """Give an account another password; the last one is taken, too, until the next time, unless
        that is not wanted. Return the file with its address.

        Raises:
            RequestError: There is no such account.
        """
        with self._alone():
            accounts = self._require(name)
            turned = self._with_new_password(accounts[name], keeps_last=keeps_last)
            self._write_users({**accounts, name: turned})
        return self.address_file(name)

    def update(self, version: Version | None = None) -> None:
        """Give all accounts what this release of taskkit needs, as after an upgrade of it, or of
        Redis, which has this version then.

        Raises:
            Misconfigured: Redis is too old.
        """
        with self._alone():
            accounts = self.accounts()
            if version is not None:
                _require_not_old(version)
                self._write_settings({**self._settings(), "redis_version": list(version)})
            self._write_users(accounts)

    def revoke(self, name: str) -> None:
        """Take a worker's account away, but for its address: see `forget`. As long as that is there
        the same can be said again, for Redis may not have been told.

        Raises:
            RequestError: There is no such account, or nothing goes without it.
        """
        with self._alone():
            if name not in self.accounts() and self.address_file(require_name(name)).exists():
                return
            accounts = self._require(name)
            if accounts[name].role is not Role.WORKER:
                raise RequestError(
                    f"nothing goes without {name!r}: `rotate --at-once` shuts it out"
                )
            del accounts[name]
            self._write_users(accounts)

    def forget(self, name: str) -> None:
        """Remove the address of an account that is no more."""
        self.address_file(name).unlink(missing_ok=True)

    # Files

    def _require(self, name: str) -> dict[str, Account]:
        accounts = self.accounts()
        if name not in accounts:
            raise RequestError(
                f"there is no account {name!r} in {self.path}: {', '.join(accounts)}"
            )
        return accounts

    def _with_new_password(self, account: Account, *, keeps_last: bool = False) -> Account:
        password = secrets.token_urlsafe(32)
        parts = urlsplit(str(self._settings()["url"]))
        netloc = f"{account.user}:{password}@{parts.netloc}"
        self._write(self.address_file(account.name), parts._replace(netloc=netloc).geturl() + "\n")
        return account.with_password(password, keeps_last=keeps_last)

    def _settings(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.path / SETTINGS).read_text(encoding="utf-8"))
        return found

    def _write_settings(self, told: Mapping[str, object]) -> None:
        self._write(self.path / SETTINGS, json.dumps(told, indent=1) + "\n")

    def _write_users(self, accounts: Mapping[str, Account]) -> None:
        version = self._settings()["redis_version"]
        if not isinstance(version, list):
            raise Misconfigured(f"{self.path / SETTINGS}: redis_version is no list of numbers")
        text = self.users.read_text(encoding="utf-8") if self.users.exists() else ""
        self._write(self.users, written(text, accounts, tuple(version)))

    def _write(self, path: Path, text: str) -> None:
        """Write a file whole, mode 0600; whose it was it stays, as that of Redis's own user."""
        handle, half = tempfile.mkstemp(dir=self.path, prefix=f".{path.name}-")  # of mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(handle)
                if path.exists() and os.geteuid() == 0:
                    status = path.stat()
                    os.fchown(handle, status.st_uid, status.st_gid)
            Path(half).replace(path)
        except BaseException:
            Path(half).unlink(missing_ok=True)
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        handle = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _require_not_old(version: Version) -> None:
    if version < OLDEST:
        raise Misconfigured(f"Redis {'.'.join(map(str, version))} is too old: 6.2 or later")
