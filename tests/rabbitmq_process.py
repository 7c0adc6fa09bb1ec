"""A real RabbitMQ of a test's own: its node, its ports on loopback, its epmd, its folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from waiting import wait_until

from taskkit.protocol.broker import broker_queue
from taskkit.protocol.celery_settings import queue_arguments
from taskkit.stack.identity import free_port

ROOT = Path(__file__).parents[1]

STARTS_WITHIN_S = 120.0


def rabbitmq_server() -> str:
    """Return the program; skip the test where it was not installed (`make rabbitmq`)."""
    unpacked = sorted(ROOT.glob("build/rabbitmq/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server"))
    program = shutil.which("rabbitmq-server") or (unpacked and str(unpacked[-1]))
    if not program or not shutil.which("epmd"):
        pytest.skip("no RabbitMQ: `make rabbitmq` installs it")
    return str(program)


@dataclass
class RabbitMQServer:
    """One node. What it keeps outlives `kill` and `start`."""

    folder: Path
    port: int = field(default_factory=free_port)
    settings: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    epmd: subprocess.Popen[bytes] | None = None
    epmd_port: int = field(default_factory=free_port)
    dist_port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        program = rabbitmq_server()
        environment = {**os.environ, **self._environment()}
        if self.epmd is None:
            # Ours and in the foreground: the one that Erlang would start outlives it.
            epmd = ["epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1"]
            self.epmd = subprocess.Popen(epmd, env=environment, stderr=subprocess.DEVNULL)
        with (self.folder / "rabbitmq.log").open("ab") as log:
            self.process = subprocess.Popen(
                [program], env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, STARTS_WITHIN_S)

    def kill(self) -> None:
        """End it at once, with all its processes."""
        self._end(signal.SIGKILL)

    def control(self, *words: str) -> None:
        """Have rabbitmqctl do something."""
        program = rabbitmq_server().removesuffix("rabbitmq-server") + "rabbitmqctl"
        environment = {**os.environ, **self._environment()}
        subprocess.run([program, *words], env=environment, check=True, capture_output=True)

    def freeze(self) -> None:
        """Have it answer nothing, its connections staying as they are."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it for good, and what it needed."""
        self._end(signal.SIGKILL)
        if self.epmd is not None:
            self.epmd.kill()
            self.epmd.wait(10)

    @contextmanager
    def channel(self) -> Iterator[Any]:
        """Give a channel to look at it by."""
        connect: Any = Connection
        with connect(self.url, connect_timeout=10) as connection:
            yield connection.default_channel

    def waiting(self, queue: str = "default") -> int:
        """Return how many wake-ups wait for a queue of jobs; 0 where there is no such queue yet."""
        return int(self._declared(queue).message_count)

    def consumers(self, queue: str = "default") -> int:
        """Return how many workers wait for them."""
        return int(self._declared(queue).consumer_count)

    def settle(self) -> None:
        """Return when it has written down which quorum queues there are: a few seconds after.

        One that is killed before has them for good without a leader, seen with 3.10.
        """
        now = time.time()
        kept = [*self.folder.glob("mnesia/*/quorum/*/meta.dets")]
        wait_until(lambda: all(path.stat().st_mtime > now for path in kept), 30)

    def _declared(self, queue: str) -> Any:
        with self.channel() as channel:
            return channel.queue_declare(
                broker_queue(queue),
                durable=True,
                auto_delete=False,
                arguments=queue_arguments(queue),
            )

    def purge(self, queue: str = "default") -> int:
        """Lose what waits, and return how many that were."""
        with self.channel() as channel:
            return int(channel.queue_purge(broker_queue(queue)))

    def _answers(self) -> bool:
        assert self.process is not None
        log = self.folder / "rabbitmq.log"
        assert self.process.poll() is None, f"RabbitMQ did not start: {log.read_text()}"
        connect: Any = Connection
        with suppress(OSError), connect(self.url, connect_timeout=2) as connection:
            connection.connect()
            return True
        return False

    def _environment(self) -> dict[str, str]:
        conf = self.folder / "rabbitmq.conf"
        always = (f"listeners.tcp.local = 127.0.0.1:{self.port}",)
        conf.write_text("".join(f"{line}\n" for line in (*always, *self.settings)))
        plugins = self.folder / "enabled_plugins"
        plugins.write_text("[].\n")
        advanced = self.folder / "advanced.config"
        # It looks every second, not every minute, whether a message is not acknowledged in time.
        advanced.write_text("[{rabbit, [{channel_tick_interval, 1000}]}].\n")
        return {
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(advanced),
            "HOME": str(self.folder),  # where Erlang looks for its cookie
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"taskkit-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(conf),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            # It shares this machine: no scheduler spins while it waits.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def _signal(self, number: int) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self._signal(number)
            self.process.wait(30)
            self.process = None


@contextmanager
def running_rabbitmq(folder: Path, *settings: str) -> Iterator[RabbitMQServer]:
    """Run one until the end of the block."""
    server = RabbitMQServer(folder, settings=settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
