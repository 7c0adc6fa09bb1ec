"""A real kernel with the extension, on a real stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernels import Kernel, running_kernel

import taskkit


@pytest.fixture(scope="module")
def _process(stack: taskkit.LocalStack) -> Iterator[Kernel]:
    told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token, "TASKKIT_PROGRESS": "plain"}
    with running_kernel(**told) as kernel:
        yield kernel


@pytest.fixture
def kernel(_process: Kernel) -> Kernel:
    """Return the kernel, with a namespace as if it had just begun, and the extension."""
    _process.run("%reset -f")
    _process.run("%reload_ext taskkit")
    return _process
