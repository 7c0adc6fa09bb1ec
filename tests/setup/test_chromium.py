"""tools/browser.sh: the browser that the browser tests drive, and what they judge pages by."""

from __future__ import annotations

import subprocess

import pytest
from machine import Machine


def install_chromium(machine: Machine, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run tools/browser.sh."""
    return machine.run("sh", "tools/browser.sh", **variables)


@pytest.fixture(autouse=True)
def axe_is_there(machine: Machine) -> None:
    """Most of these tests are about the browser."""
    folder = machine.root / "build" / "axe"
    folder.mkdir(parents=True)
    text = (machine.root / "tools" / "browser.sh").read_text()
    version = next(line for line in text.splitlines() if line.startswith("AXE="))
    (folder / "version").write_text(version.removeprefix("AXE="))


def as_user(machine: Machine, uid: int) -> None:
    """Make the scripts believe that `uid` runs them."""
    machine.has("id", script=f"echo {uid}")


def with_apt(machine: Machine) -> None:
    """Put an apt-get on the machine that installs a chromium."""
    script = f'case "$*" in *chromium) cp "$0" "{machine.bin}/chromium" ;; esac'
    machine.has("apt-get", script=script)


def test_a_chromium_that_is_there_is_enough(machine: Machine) -> None:
    """Nothing is installed, nothing is said."""
    as_user(machine, 0)
    with_apt(machine)
    machine.has("chromium")
    done = install_chromium(machine, CI="true")
    assert (done.returncode, done.stdout, machine.calls) == (0, "", [])


def test_root_installs_a_missing_chromium(machine: Machine) -> None:
    """The package lists come first, and nothing asks."""
    as_user(machine, 0)
    with_apt(machine)
    done = install_chromium(machine, CI="true")
    assert done.returncode == 0, done.stderr
    update, install = (call for call in machine.calls if call.startswith("apt-get"))
    assert "update" in update
    assert "install" in install
    assert "--yes" in install


def test_without_rights_it_says_that_browser_tests_are_skipped(machine: Machine) -> None:
    """It is no failure of the user's, and it says what would help."""
    as_user(machine, 1000)
    with_apt(machine)
    machine.has("sudo", script="exit 1")
    done = install_chromium(machine)
    assert done.returncode == 0
    assert done.stdout == (
        "browser: no chromium: installing it needs root (sudo apt-get install chromium);"
        " tests that need it will be skipped\n"
    )


def test_rights_by_sudo_without_a_password_are_used(machine: Machine) -> None:
    """No prompt ever waits for an answer."""
    as_user(machine, 1000)
    with_apt(machine)
    machine.has("sudo", script='shift; if [ "$1" = true ]; then exit 0; fi; exec "$@"')
    assert install_chromium(machine).returncode == 0
    assert all(call.startswith("sudo -n ") for call in machine.calls if call.startswith("sudo"))
    assert (machine.bin / "chromium").exists()


def test_ci_fails_without_a_chromium(machine: Machine) -> None:
    """There the browser tests must run."""
    as_user(machine, 0)
    machine.has("apt-get", script="exit 100")
    done = install_chromium(machine, CI="true")
    assert done.returncode == 1
    assert done.stderr == "browser: no chromium: apt-get could not install it\n"


def test_axe_is_installed_once_by_npm(machine: Machine) -> None:
    """In the version that is written in the script; another one is replaced."""
    machine.has("chromium")
    machine.has("npm")
    version = machine.root / "build" / "axe" / "version"
    version.write_text("1.0.0")
    assert install_chromium(machine, CI="true").returncode == 0
    [call] = machine.calls
    assert f"axe-core@{version.read_text().strip()}" in call
    assert "--ignore-scripts" in call
    assert install_chromium(machine, CI="true").stdout == ""
    assert machine.calls == [call]


def test_without_npm_it_says_what_is_skipped(machine: Machine) -> None:
    """In CI that is a failure."""
    machine.has("chromium")
    (machine.root / "build" / "axe" / "version").unlink()
    done = install_chromium(machine)
    assert done.returncode == 0
    assert done.stdout == (
        "browser: no axe: there is no npm to install it with; tests that need it will be skipped\n"
    )
    done = install_chromium(machine, CI="true")
    assert (done.returncode, done.stdout) == (1, "")
