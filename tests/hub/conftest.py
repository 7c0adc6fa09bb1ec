"""One Hub and one stack for all tests of this folder, which leave both as they were."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NoReturn

import pytest
from hubs import PROXY, World, running_world

import taskkit


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI must run the tests with JupyterHub")
    pytest.skip(f"{what}: no tests with JupyterHub")


@pytest.fixture(scope="package")
def beneath() -> Iterator[taskkit.LocalStack]:
    """Redis and workers; its own server is not asked."""
    with taskkit.LocalStack(workers=2) as stack:
        yield stack


@pytest.fixture(scope="package")
def world(beneath: taskkit.LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A Hub, whose user ana may submit functions."""
    if find_spec("jupyterhub") is None:
        _missing("jupyterhub is not installed (pip install 'taskkit-notebook[hub]')")
    if shutil.which("node") is None or not PROXY.exists():
        _missing("there is no configurable-http-proxy (make proxy)")
    folder = tmp_path_factory.mktemp("hub")
    keys = beneath.signing_keys_file
    assert keys is not None
    with running_world(folder, beneath.redis_url, keys, "--code-user", "ana") as running:
        yield running
