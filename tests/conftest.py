"""What tests of several parts share: one real Redis, one real stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from disks import NoDiskError, small_disk
from hypothesis import HealthCheck, settings
from ports_apart import pytest_configure  # noqa: F401  # hooks of pytest
from redis_process import running_redis
from second_attempts import pytest_runtest_setup  # noqa: F401

import taskkit

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# As hypothesis does by itself in CI: how long an example takes says how busy the machine is.
if settings.get_current_profile_name() == "default":
    settings.load_profile("busy")


@pytest.fixture(scope="session")
def stack() -> Iterator[taskkit.LocalStack]:
    """Redis, server and two worker processes, open to this machine without a token."""
    with taskkit.LocalStack(workers=2, open=True) as running:
        yield running


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of this test run alone, which keeps nothing."""
    # 500 looks a second at who waits: a short wait ends on time, not a tenth of a second later.
    with running_redis(tmp_path_factory.mktemp("redis"), 'save ""', "hz 500") as url:
        yield url


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 64 MiB, that can be filled up."""
    try:
        with small_disk(tmp_path / "disk") as folder:
            yield folder
    except NoDiskError as error:
        pytest.skip(f"no small disk: {error}")


StartRedis = Callable[..., str]
"""Starts a Redis with these lines of configuration, and returns its URL."""


@pytest.fixture
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartRedis]:
    """Start real Redis servers of this test alone."""
    with ExitStack() as running:
        yield lambda *settings, port=None: running.enter_context(
            running_redis(tmp_path_factory.mktemp("redis"), *settings, port=port)
        )
