"""tools/hub_proxy.sh: the proxy of JupyterHub that the tests with a real Hub go by."""

from __future__ import annotations

import subprocess

from machine import Machine


def install_proxy(machine: Machine, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run tools/hub_proxy.sh."""
    return machine.run("sh", "tools/hub_proxy.sh", **variables)


def test_it_is_installed_once_by_npm(machine: Machine) -> None:
    """In the version that is written in the script; another one is replaced."""
    machine.has("npm")
    machine.has("node")
    version = machine.root / "build" / "hub-proxy" / "version"
    version.parent.mkdir(parents=True)
    version.write_text("1.0.0")
    assert install_proxy(machine, CI="true").returncode == 0
    [call] = machine.calls
    assert f"configurable-http-proxy@{version.read_text().strip()}" in call
    assert "--ignore-scripts" in call
    assert install_proxy(machine, CI="true").stdout == ""
    assert machine.calls == [call]


def test_where_npm_is_missing_it_says_what_is_skipped(machine: Machine) -> None:
    """In CI that is a failure."""
    done = install_proxy(machine)
    assert (done.returncode, done.stdout) == (
        0,
        "hub proxy: none: there is no npm to install it with; tests that need it will be skipped\n",
    )
    done = install_proxy(machine, CI="true")
    assert (done.returncode, done.stdout) == (1, "")


def test_what_npm_could_not_install_is_tried_again(machine: Machine) -> None:
    """Nothing is taken for installed that is not there."""
    machine.has("npm", script="exit 1")
    machine.has("node")
    assert install_proxy(machine, CI="true").returncode == 1
    assert not (machine.root / "build" / "hub-proxy" / "version").exists()
    assert "npm could not install it" in install_proxy(machine).stdout
