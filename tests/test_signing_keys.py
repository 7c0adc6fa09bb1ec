"""Where the keys come from, and when they are refused."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskkit.protocol.errors import RequestError
from taskkit.signing_keys import FILE, KEYS, keys_file, take_keys
from taskkit.stack.folders import Folders
from taskkit.stack.parts import Settings, signing_keys_place

ONE, TWO = "1" * 32, "2" * 32
OTHER = 10_001
"""A user that is not the one of these tests."""


def ids(environ: dict[str, str]) -> list[str]:
    """Return the ids of the keys that are found."""
    return [key.id for key in take_keys(environ).keys]


def test_they_are_taken_out_of_the_environment(tmp_path: Path) -> None:
    """The first of a list, or of a file, first."""
    environ = {KEYS: f"{ONE}, {TWO}", "HOME": "/"}
    found = ids(environ)
    assert environ == {"HOME": "/"}
    assert len(set(found)) == 2
    path = tmp_path / "keys"
    path.write_text(f"# since spring\n{ONE}\n\n{TWO}\n")
    path.chmod(0o600)
    assert ids({FILE: str(path)}) == found
    assert ids({}) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    """With the command that mends it."""
    path = tmp_path / "keys"
    path.write_text(ONE)
    path.chmod(mode)
    with pytest.raises(RequestError, match="chmod 600"):
        take_keys({FILE: str(path)})


@pytest.mark.skipif(os.getuid() != 0, reason="only root can lend a file")
@pytest.mark.parametrize(
    ("owner", "mode", "is_taken"),
    [
        (0, 0o440, True),  # as Kubernetes mounts a secret
        (0, 0o640, True),
        (0, 0o460, False),
        (0, 0o444, False),
        (OTHER, 0o440, False),
        (OTHER, 0o400, True),
        (OTHER + 1, 0o440, False),
    ],
)
def test_root_may_lend_a_file_to_a_group(owner: int, mode: int, is_taken: bool) -> None:
    """To read it, and nobody else; a user who has it is asked to keep it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys"
        path.write_text(ONE)
        os.chown(path, owner, OTHER)
        path.chmod(mode)
        Path(folder).chmod(0o755)
        pid = os.fork()
        if pid == 0:  # nothing of the tests is to go on in here
            try:
                os.setgroups([])
                os.setgid(OTHER)
                os.setuid(OTHER)
                os._exit(0 if len(take_keys({FILE: str(path)}).keys) == 1 else 3)
            except RequestError:
                os._exit(1)
            finally:
                os._exit(2)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == (0 if is_taken else 1)


def test_no_key_where_one_was_meant_is_refused(tmp_path: Path) -> None:
    """Rather than Redis be trusted by mistake."""
    empty = tmp_path / "keys"
    empty.touch(0o600)
    for environ, word in (
        ({FILE: str(empty)}, "no key in it"),
        ({FILE: str(tmp_path / "none")}, "cannot be read"),
        ({KEYS: " , "}, "no key in it"),
        ({KEYS: "secret"}, "32 characters"),
        ({KEYS: ONE, FILE: str(empty)}, "both set"),
    ):
        with pytest.raises(RequestError, match=word):
            take_keys(environ)


def test_a_folder_has_one_key_for_ever(tmp_path: Path) -> None:
    """However many make it at once; it is its user's alone."""
    with ThreadPoolExecutor(8) as threads:
        texts = {path.read_text() for path in threads.map(keys_file, [tmp_path] * 8)}
    assert len(texts) == 1
    assert keys_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["signing.keys"]
    assert len(ids({FILE: str(keys_file(tmp_path))})) == 1


def test_a_stack_makes_a_key_with_its_data_and_not_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older one had accepted is not signed; on a shared Redis others have no such key."""
    for name in ("TASKKIT_SIGNING_KEYS", "TASKKIT_SIGNING_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    new, older = (Folders(tmp_path / name, tmp_path / "run") for name in ("new", "older"))
    for folders in (new, older):
        folders.redis.mkdir(parents=True)
    (older.redis / "appendonlydir").mkdir()
    shared = Settings(redis_url="redis://lab:6379/0")
    assert signing_keys_place(shared, new) == signing_keys_place(Settings(), older) == ""
    assert signing_keys_place(Settings(), new) == str(new.data / "signing.keys")
    (new.redis / "appendonlydir").mkdir()
    assert signing_keys_place(Settings(), new) == str(new.data / "signing.keys")
    monkeypatch.setenv("TASKKIT_SIGNING_KEYS_FILE", "/etc/keys")
    assert signing_keys_place(shared, older) == "/etc/keys"
