"""The blocks of Python in docs/how-to run, in a notebook's kernel and on a real stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernels import Kernel, running_kernel

import taskkit

PAGES = sorted((Path(__file__).parents[2] / "docs" / "how-to").glob("*.md"))

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


def blocks(page: Path) -> list[str]:
    """Return a page's cells, in order."""
    text = page.read_text("utf-8")
    return re.findall(r"^```(?:python|ipython)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


WITH_CODE = [page for page in PAGES if blocks(page)]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """A kernel that finds a stack of its own, for all pages; each begins with no names."""
    with taskkit.LocalStack(workers=2) as stack:
        told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
        with running_kernel(**told, TASKKIT_PROGRESS="none") as started:
            yield started


def test_there_are_pages_with_code() -> None:
    """The test below is about something."""
    assert len(WITH_CODE) >= 9


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, kernel: Kernel) -> None:
    """From its first block to its last; what it claims of results is in it as assertions."""
    kernel.run("%reset -f")
    for block in blocks(page):
        ran = kernel.try_to_run(block)
        assert not ran.error, f"{block}\n{ran.error}"


def test_a_claim_that_is_wrong_is_found(kernel: Kernel) -> None:
    """Where a block asserts what is not so, its cell ends in an error."""
    assert "AssertionError" in kernel.try_to_run("assert 2**10 == 1023").error
