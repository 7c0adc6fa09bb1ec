"""What the tests of images share: a lab that runs, and where figures go.

They are for `make images`, which builds the images and has namespaces of their own for them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import Note, noted
from lab import Lab
from podman import podman

IS_ASKED_FOR = "TASKKIT_IMAGES_FIGURES" in os.environ

collect_ignore_glob = [] if IS_ASKED_FOR else ["test_*.py"]


@pytest.fixture(scope="session")
def note() -> Note:
    """Note a figure."""
    return noted


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One that is not up yet, with nothing left of another test run."""
    while podman("ps", "--all", "--quiet"):  # those that others need go after them
        podman("rm", "--all", "--force", check=False)
    podman("volume", "rm", "--all", "--force")
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    made = Lab(folder)
    yield made
    made.compose("down", "--remove-orphans", "--volumes")
    shutil.rmtree(folder)


@pytest.fixture
def running(lab: Lab) -> Lab:
    """The lab, up, with one worker and nothing to do."""
    lab.up()
    lab.wait_until_it_serves()
    for extra in lab.containers("worker")[1:]:
        podman("rm", "--force", extra)
    return lab
