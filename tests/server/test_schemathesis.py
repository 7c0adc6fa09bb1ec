"""The document and the server held against each other by schemathesis.

Every operation is asked for what the document allows and for what it does not, one after another
and in sequences; no answer may be the server's own fault, and each must be as the document says.
A longer run, with other requests: ``FUZZ_EXAMPLES=300 FUZZ_SEED=7 pytest`` of this file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from api_fuzz import fuzz

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))

pytestmark = [pytest.mark.stack, pytest.mark.fuzz, pytest.mark.timeout(200 + 8 * EXAMPLES)]


def test_no_request_finds_the_server_or_its_document_wrong(
    start_redis: Callable[..., str], tmp_path: Path
) -> None:
    """All checks, all phases; the same requests each time."""
    seed = os.environ.get("FUZZ_SEED", "1")
    words = ("--max-examples", str(EXAMPLES), "--seed", seed, "--continue-on-failure")
    ran = fuzz(start_redis('save ""'), tmp_path, *words)
    log = (tmp_path / "server.log").read_text()
    assert ran.returncode == 0, ran.stdout + ran.stderr + log
    told = re.search(r"Selected: (\d+)/\1\s+Tested: \1\s", ran.stdout)
    asked = re.search(r"(\d+) generated, (\d+) passed", ran.stdout)
    assert told is not None, ran.stdout
    assert asked is not None, ran.stdout
    assert int(asked[1]) > 1000
    assert "a request broke" not in log
