"""tools/nginx.sh: the nginx that the tests of deploy/nginx run."""

from __future__ import annotations

import subprocess

import pytest
from machine import Machine


def install_nginx(machine: Machine, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run tools/nginx.sh as the test wants it, whatever this machine itself has in /usr/sbin."""
    script = machine.root / "tools" / "nginx.sh"
    script.write_text(script.read_text().replace(":/usr/sbin", f":{machine.folder}/sbin"))
    return machine.run("sh", "tools/nginx.sh", **variables)


@pytest.fixture
def as_root(machine: Machine) -> Machine:
    """Whose user is root, and whose apt-get installs both into where only root looks."""
    machine.has("id", script="echo 0")
    sbin = machine.folder / "sbin"
    sbin.mkdir()
    copies = f'cp "$0" "{sbin}/nginx"; cp "$0" "{machine.bin}/openssl"'
    machine.has("apt-get", script=f'case "$*" in *nginx-light*) {copies} ;; esac')
    return machine


def test_it_is_installed_once(as_root: Machine) -> None:
    """The package lists come first, nothing asks, and what is there is enough."""
    assert install_nginx(as_root, CI="true").returncode == 0
    update, install = (call for call in as_root.calls if call.startswith("apt-get"))
    assert "update" in update
    assert "--yes" in install
    done = install_nginx(as_root, CI="true")
    assert (done.returncode, done.stdout) == (0, "")
    assert len([call for call in as_root.calls if call.startswith("apt-get")]) == 2


def test_without_rights_it_says_what_is_skipped(machine: Machine) -> None:
    """It is no failure of the user's, and it says what would help; in CI it is one."""
    machine.has("id", script="echo 1000")
    machine.has("apt-get")
    machine.has("sudo", script="exit 1")
    done = install_nginx(machine)
    assert (done.returncode, done.stdout) == (
        0,
        "nginx: none: installing it needs root (sudo apt-get install nginx-light openssl);"
        " tests that need it will be skipped\n",
    )
    assert install_nginx(machine, CI="true").returncode == 1


def test_what_could_not_be_installed_is_said(machine: Machine) -> None:
    """Also where apt-get says that it went well."""
    machine.has("id", script="echo 0")
    machine.has("apt-get")
    done = install_nginx(machine, CI="true")
    assert done.returncode == 1
    assert "apt-get could not install it" in done.stderr
