"""tools/rabbitmq.sh: the RabbitMQ that the tests of it run."""

from __future__ import annotations

import pytest
from machine import Machine


@pytest.fixture
def bare(machine: Machine) -> Machine:
    """Without Erlang, whatever this machine itself has, and without the right to install."""
    script = machine.root / "tools" / "rabbitmq.sh"
    script.write_text(script.read_text().replace("found erl", "found erl-of-nobody"))
    machine.has("id", script="echo 1000")
    machine.has("sudo", script="exit 1")
    machine.has("apt-cache")
    machine.has("apt-get")
    return machine


def test_without_rights_it_says_what_is_skipped(bare: Machine) -> None:
    """It is no failure of the user's; in CI it is one."""
    done = bare.run("sh", "tools/rabbitmq.sh")
    assert done.returncode == 0
    assert "installing it needs root" in done.stdout
    assert "tests that need it will be skipped" in done.stdout
    assert bare.run("sh", "tools/rabbitmq.sh", CI="true").returncode == 1


def test_what_could_not_be_fetched_is_said(bare: Machine) -> None:
    """Also where apt-get says that it went well."""
    bare.has("id", script="echo 0")
    done = bare.run("sh", "tools/rabbitmq.sh", CI="true")
    assert done.returncode == 1
    assert "rabbitmq: none:" in done.stderr
    assert not (bare.root / "build" / "rabbitmq").exists()
