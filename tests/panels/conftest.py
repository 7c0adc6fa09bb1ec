"""A real kernel in which the fakes of these tests can be imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kernels import Kernel, running_kernel


@pytest.fixture(scope="module")
def _process() -> Iterator[Kernel]:
    with running_kernel() as kernel:
        yield kernel


@pytest.fixture
def kernel(_process: Kernel) -> Kernel:
    """Return the kernel, of whose messages none is kept that an earlier test had it publish."""
    _process.messages.clear()
    here = str(Path(__file__).parent)
    _process.run(f"import sys; sys.path[:0] = [{here!r}]; from notebook_fake import Fake, JobState")
    return _process
