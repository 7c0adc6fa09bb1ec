"""The files of `taskkit account`: what is in them, and that nothing is half done."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from taskkit.accounts.folder import Folder
from taskkit.accounts.roles import FORM, Role, mark, rules
from taskkit.accounts.users_file import hash_of
from taskkit.cli import app
from taskkit.protocol.errors import Misconfigured, RequestError

URL = "rediss://redis.lab:6380/0"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """One with a worker."""
    made = Folder(tmp_path / "accounts")
    made.begin(URL, (7, 2))
    made.create("gpu1")
    return made


def password(address: str) -> str:
    """Return the password in an address."""
    found = re.fullmatch(r"rediss://taskkit-[a-z0-9-]+:([\w-]{43})@redis\.lab:6380/0", address)
    assert found, address
    return found[1]


def test_redis_is_given_hashes_and_each_process_its_address(folder: Folder) -> None:
    """No password is in the file that Redis reads, and nobody else can read any of the files."""
    users = folder.users.read_text()
    for name in ("admin", "server", "backup", "gpu1"):
        secret = password(folder.address(name))
        assert secret not in users
        assert f"user taskkit-{name} on #{hash_of(secret)} " in users
    assert users.startswith("user default off ")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_older_redis_is_told_what_it_knows() -> None:
    """6.2 knows no keys to read alone; 7.0 does not start with a command that it does not know."""
    newest, middle, oldest = (rules(Role.WORKER, one) for one in ((7, 2), (7, 0, 15), (6, 2)))
    assert "%R~tk:limits" in newest
    assert "+client|setinfo" in newest
    assert "client|setinfo" not in middle
    assert "%R~tk:limits" in middle
    assert "%R~" not in oldest
    assert " ~tk:limits " in oldest


def test_an_upgrade_gives_all_accounts_what_it_needs(folder: Folder) -> None:
    """Passwords, addresses and users of others stay; Redis itself may be another one, too."""
    other = "user monitoring on #" + "ab" * 32 + " +info"
    text = folder.users.read_text()
    older = re.sub(rf" \S*{mark(FORM)}", "", text).replace("+getdel ", "")
    assert older != text
    folder.users.write_text(f"{other}\n{older}")
    address = folder.address("gpu1")
    folder.update()
    assert folder.users.read_text() == f"{other}\n{text}"
    assert folder.address("gpu1") == address
    folder.update((7, 0))
    assert "client|setinfo" not in folder.users.read_text()
    folder.create("gpu2")
    assert "client|setinfo" not in folder.users.read_text(), "what was said of Redis holds"
    with pytest.raises(Misconfigured, match=r"6\.2"):
        folder.update((5, 0))


def test_a_password_turns_twice_before_it_is_over(folder: Folder) -> None:
    """So that processes can be started anew one after another; `at once` ends it now."""
    first = password(folder.address("gpu1"))
    folder.rotate("gpu1")
    second = password(folder.address("gpu1"))
    assert folder.accounts()["gpu1"].hashes == (hash_of(second), hash_of(first))
    folder.rotate("gpu1")
    third = password(folder.address("gpu1"))
    assert folder.accounts()["gpu1"].hashes == (hash_of(third), hash_of(second))
    folder.rotate("gpu1", keeps_last=False)
    assert folder.accounts()["gpu1"].hashes == (hash_of(password(folder.address("gpu1"))),)


def test_users_of_others_stay(folder: Folder) -> None:
    """The file may be shared with whoever else uses that Redis."""
    other = "user monitoring on #" + "ab" * 32 + " +info"
    folder.users.write_text(f"{other}\n{folder.users.read_text()}")
    folder.revoke("gpu1")
    assert folder.users.read_text().startswith(f"{other}\n")
    assert set(folder.accounts()) == {"admin", "server", "backup"}


def test_what_cannot_be_is_refused_before_anything_is_written(folder: Folder) -> None:
    """Names that are taken, unknown or none; the accounts that all need; a second begin."""
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    for wrong in (
        lambda: folder.create("gpu1"),
        lambda: folder.create("server"),
        lambda: folder.create("../gpu1"),
        lambda: folder.create("a b on +@all"),
        lambda: folder.rotate("gpu9"),
        lambda: folder.revoke("server"),
    ):
        with pytest.raises(RequestError):
            wrong()
    for url in (URL, "rediss://me:hush@redis.lab", "redis.lab:6379"):
        with pytest.raises(Misconfigured):
            folder.begin(url, (7, 2))
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_file_stays_that_of_redis_s_own_user(folder: Folder) -> None:
    """Else Redis could not read it after the first change."""
    os.chown(folder.users, 12345, 12345)
    folder.create("gpu2")
    status = folder.users.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 12345, 0o600)


def test_the_commands_say_what_to_do_and_never_a_password(tmp_path: Path) -> None:
    """From a folder to a worker and back; where Redis does not answer, the file stands."""
    place, run = str(tmp_path / "accounts"), CliRunner().invoke
    made = run(app, ["account", "init", "--url", URL, "--folder", place])
    assert made.exit_code == 0, made.output
    assert "aclfile" in made.output
    created = run(app, ["account", "create", "gpu1", "--folder", place, "--offline"])
    assert created.exit_code == 0, created.output
    folder = Folder(Path(place))
    secret = password(folder.address("gpu1"))
    listed = run(app, ["account", "list", "--folder", place])
    assert "taskkit-gpu1" in listed.output
    kept = Folder(tmp_path / "elsewhere")
    kept.begin("redis://127.0.0.1:1/0", (7, 2))
    unread = run(app, ["account", "create", "gpu1", "--folder", str(kept.path)])
    assert unread.exit_code == 1
    assert "Redis has not read it" in " ".join(unread.output.split())
    updated = run(app, ["account", "update", "--folder", place, "--offline"])
    assert updated.exit_code == 0, updated.output
    revoked = run(app, ["account", "revoke", "gpu1", "--folder", place, "--offline"])
    assert revoked.exit_code == 0, revoked.output
    assert not folder.address_file("gpu1").exists()
    for told in (made, created, listed, unread, updated, revoked):
        assert secret not in told.output
