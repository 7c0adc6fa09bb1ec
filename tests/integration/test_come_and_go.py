"""Clients that come, work and go leave nothing behind: no connection, no thread, no memory."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

import psutil
import pytest
from waiting import wait_until

import taskkit
from taskkit.client.socket import Socket
from taskkit.connection import Connection
from taskkit_server.live.upgrades import INTRODUCTION_S

pytestmark = pytest.mark.stack

CLIENTS = 15
MIB = 2**20


def test_a_job_needs_no_variable_for_its_client(stack: taskkit.LocalStack) -> None:
    """What it ended with is brought when somebody asks, however long after."""
    large = "x" * 20_000
    id = stack.client().submit(str, large).id
    with stack.client() as client:
        client.job(id).result(30)
    job = stack.client().job(id)
    time.sleep(2.5)
    assert job.done()
    assert job.result(30) == large


def test_a_map_waits_for_a_server_that_is_away() -> None:
    """As single submissions do: it is not refused."""
    with taskkit.LocalStack(workers=2) as stack, stack.client() as client:
        os.kill(stack.pids()["server"], signal.SIGKILL)
        assert list(client.map(abs, range(-100, 0))) == list(range(100, 0, -1))


def test_clients_that_go_leave_nothing_behind() -> None:
    """Whatever the first ones made the server open, the next ones find it."""

    def round_of_clients() -> None:
        clients = [stack.client() for _ in range(CLIENTS)]
        jobs = [client.submit(pow, n, 2) for n, client in enumerate(clients)]
        assert [job.result(30) for job in jobs] == [n * n for n in range(CLIENTS)]
        for n, client in enumerate(clients):
            if n % 2:
                client.shutdown()
            else:
                client.close()
        # A client that was only dropped closes, too: the last of them.
        del clients, client, jobs

    def files() -> int:
        return sum(process.num_fds() for process in serving)

    with taskkit.LocalStack(workers=2) as stack:
        main = psutil.Process(stack.pids()["server"])
        serving = [main, *main.children(), psutil.Process(stack.pids()["redis"])]
        for _ in range(2):
            round_of_clients()
        threads = threading.active_count()
        wait_until(lambda: not any(t.name == "taskkit-watch" for t in threading.enumerate()))
        before = files()
        memory = main.children()[0].memory_info().rss
        for _ in range(5):
            round_of_clients()
        # The server keeps the connections to Redis that were open at once, two ends each: a round
        # that happens to run closer together than the first ones needs more of them. One file
        # left by each client would be 75.
        wait_until(lambda: files() <= before + 2 * CLIENTS)
        assert main.children()[0].memory_info().rss < memory + 16 * MIB
        wait_until(lambda: threading.active_count() <= threads)


def test_a_socket_on_which_somebody_is_known_stays(stack: taskkit.LocalStack) -> None:
    """Longer than one may take that shows no token."""
    socket = Socket(Connection(stack.url, stack.token), logging.getLogger("test"))
    socket.open({"jobs": {}}, wait_s=30)
    try:
        threading.Event().wait(INTRODUCTION_S + 4)
        assert socket.connected
    finally:
        socket.disconnect()
