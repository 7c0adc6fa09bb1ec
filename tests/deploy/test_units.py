"""deploy/systemd: units that systemd takes, by which a stopped worker hands back what it runs."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from taskkit.stack.identity import free_port
from taskkit.stack.redis import binary
from taskkit_worker.settings import FINISH_S

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
NAMES = ("taskkit-server.service", "taskkit-worker@.service")


class Unit(configparser.RawConfigParser):
    """What a unit says; of keys that come several times, the last."""

    def optionxform(self, optionstr: str) -> str:
        """Leave the keys as they are."""
        return optionstr


def unit(name: str) -> Unit:
    """Return what a unit says."""
    read = Unit(strict=False, delimiters=("=",), interpolation=None)
    read.read_string((UNITS / name).read_text())
    return read


@pytest.mark.parametrize("name", NAMES)
def test_systemd_takes_the_unit(name: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say, where taskkit is installed."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not here")
    text = (UNITS / name).read_text().replace("/opt/taskkit/bin/taskkit", sys.executable)
    (tmp_path / name).write_text(text)
    ran = subprocess.run(
        [analyze, "verify", str(tmp_path / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [
        line for line in ran.stderr.splitlines() if name.partition("@")[0].split(".")[0] in line
    ]
    assert said == [], ran.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_stop_is_for_the_main_process_and_leaves_it_its_time(name: str) -> None:
    """SIGTERM to all would end the processes that run jobs, each an attempt that is lost; and
    SIGKILL may not come before what runs is given back."""
    service = unit(name)["Service"]
    assert service["KillMode"] == "mixed"
    assert "KillSignal" not in service, "SIGTERM, which is the default"
    assert float(service["TimeoutStopSec"]) >= 4 * FINISH_S
    assert service["Restart"] == "always"


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_in_a_unit(name: str) -> None:
    """`systemctl show` tells everybody what is in `Environment`: files are named there only."""
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith("Environment=TASKKIT_"):
            assert line.partition("=")[2].partition("=")[0].endswith("_FILE"), line


def test_redis_takes_the_lines_for_it(tmp_path: Path) -> None:
    """But for what is of TLS and this machine: a Redis starts with the rest, and keeps all."""
    lines = (UNITS / "redis.conf").read_text().splitlines()
    kept = [line for line in lines if line and not line.startswith(("#", "tls-", "bind", "port"))]
    kept = [line for line in kept if not line.startswith("aclfile")]
    assert "appendfsync always" in kept
    conf = tmp_path / "redis.conf"
    port = free_port()
    conf.write_text("\n".join([*kept, f"port {port}", f"dir {tmp_path}"]) + "\n")
    with subprocess.Popen([binary(), conf], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert any("Ready to accept connections" in line for line in server.stdout)
        finally:
            server.terminate()
