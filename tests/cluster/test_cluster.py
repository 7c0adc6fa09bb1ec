"""Work on three hosts: the short profile, and that the network around it is what it says it is."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tls import why_no_tls

from .cable import carry
from .network import NAME, Cable, Network, left_over, remove_old, why_not
from .run import SHORT, run

TESTS = Path(__file__).parents[1]


@pytest.fixture
def _hosts() -> None:
    if why := why_not():
        pytest.skip(why)


def of(pid: int) -> list[str]:
    """Return the namespaces and interfaces here of a process's network."""
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True)
    own = f"{NAME}{pid}"
    return [line for line in (names.stdout + links.stdout).splitlines() if own in line]


@pytest.mark.stack
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("_hosts")
def test_nothing_is_lost_on_three_hosts(tmp_path: Path) -> None:
    """TLS, an account each, values by HTTP, a host far away and one that is cut off for a while."""
    if why := why_no_tls():
        pytest.skip(why)
    seed = random.randrange(10**6)
    outcome = run(tmp_path / "site", SHORT, seed)
    assert outcome.verdict.jobs
    assert outcome.is_good, f"seed {seed}: {outcome.verdict}\n" + "\n".join(outcome.wrong)
    assert outcome.elsewhere > 0, "the others work on while one is cut off"
    assert of(os.getpid()) == []


@pytest.mark.usefixtures("_hosts")
def test_a_cable_is_as_long_as_it_says_and_can_be_unplugged() -> None:
    """There and back takes twice its delay; who is unplugged reaches nobody until plugged in."""
    with Network((Cable(), Cable(delay_s=0.05))) as network:
        near, far = network.workers
        assert network.round_trip_ms(near) is not None
        assert (network.round_trip_ms(far) or 0.0) >= 100.0
        network.cut_off(near)
        assert network.round_trip_ms(near) is None
        network.join_again(near)
        assert network.round_trip_ms(near) is not None
    assert of(os.getpid()) == []


@pytest.mark.usefixtures("_hosts")
def test_nothing_is_left_of_a_network_whose_block_fails() -> None:
    """Nor of one that is interrupted, which is an exception as well."""

    def interrupted() -> None:
        with Network((Cable(), Cable(delay_s=0.01))):
            assert of(os.getpid())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert of(os.getpid()) == []


@pytest.fixture
def orphaned() -> Iterator[int]:
    """Return the pid of who made a network and was killed."""
    code = (
        "import signal, subprocess\nfrom cluster.network import Cable, Network\n"
        "with Network((Cable(),)) as made:\n"
        "    subprocess.Popen([*made.workers[0].prefix, 'sleep', '600'])\n"
        "    print('made', flush=True)\n    signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=TESTS, stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == b"made\n"
        os.kill(maker.pid, signal.SIGKILL)
        maker.wait(10)
        yield maker.pid


@pytest.mark.usefixtures("_hosts")
def test_what_a_killed_run_has_left_is_removed_by_the_next(orphaned: int) -> None:
    """Namespaces, cables and what runs on those hosts; those of runs that live are let be."""
    assert f"{NAME}{orphaned}s" in left_over()
    with Network(()):
        assert of(orphaned) == []
        assert of(os.getpid())
        remove_old()
        assert of(os.getpid())


def test_a_cable_loses_what_it_is_told_to_lose() -> None:
    """Of 2000 frames some hundred at a tenth, the others in their order; none at nothing."""
    assert len(carried(loss=0.0)) == 2000
    came = carried(loss=0.1)
    assert 1700 < len(came) < 1900
    assert came == sorted(came)


def carried(loss: float) -> list[int]:
    """Return which of 2000 numbered frames come through."""
    near, near_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    far, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends = (near_end.fileno(), far_end.fileno())
    for end in (near_end, far_end):
        end.setblocking(False)
    thread = threading.Thread(target=carry, args=(ends, 0.001, loss, random.Random(1)))
    thread.start()
    far.settimeout(0.5)
    came: list[int] = []
    try:
        for first in range(0, 2000, 20):  # few at a time: what a full buffer drops is not meant
            for n in range(first, first + 20):
                near.send(b"%d" % n)
            came += _until_marked(near, far)
        return came
    finally:
        near.close()
        thread.join(10)
        for end in (far, near_end, far_end):
            end.close()


def _until_marked(near: socket.socket, far: socket.socket) -> Iterator[int]:
    """Yield what comes before a mark, which is sent until one gets through."""
    near.send(b"mark")
    while True:
        try:
            frame = far.recv(64)
        except TimeoutError:
            near.send(b"mark")
            continue
        if frame == b"mark":
            return
        yield int(frame)
