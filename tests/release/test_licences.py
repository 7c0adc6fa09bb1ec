"""Nothing under a licence that binds who ships taskkit comes in unseen."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from installing import ROOT

TOOL = runpy.run_path(str(ROOT / "tools" / "licences.py"))


def test_every_package_s_licence_is_allowed() -> None:
    """Of all extras, with what those need in turn; a new one under GPL stops here."""
    assert len(TOOL["needed"]()) > 100
    assert list(TOOL["refused"]()) == []


def test_the_page_lists_every_package_with_its_licence() -> None:
    """`make licences` after a change of the requirements. Another Python may need a few less."""
    listed = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in TOOL["render"]().splitlines() if line.startswith("| ")]
    here = {row.rpartition("|")[0].rpartition("|")[0] for row in rows}
    said = {line.rpartition("|")[0].rpartition("|")[0] for line in listed}
    assert here - said == set()


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT AND (GPL-2.0-only OR BSD-3-Clause)", True),
        ("(MIT OR Apache-2.0) AND ISC", True),
        ("GPL-3.0-or-later", False),
        ("MIT AND GPL-3.0-or-later", False),
        ("MIT OR GPL-2.0-only AND ISC", True),
        ("(MIT OR GPL-2.0-only) AND LGPL-3.0-only", False),
        ("LicenseRef-GNU", False),
        ("MIT AND", False),
        ("MIT BSD-3-Clause", False),
        ("", False),
    ],
)
def test_an_expression_is_judged_as_spdx_means_it(expression: str, allowed: bool) -> None:
    """AND binds more tightly than OR; what is no expression is not allowed."""
    assert TOOL["is_allowed"](expression) is allowed


def package(folder: Path, *lines: str) -> str:
    """Put the metadata of a package on the path; return its name."""
    info = folder / "borrowed-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", "Name: borrowed", *lines]))
    return "borrowed"


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (["Version: 1.0", "License-Expression: GPL-3.0-only"], "GPL-3.0-only"),
        (["Version: 1.0", "License: BSD 3-Clause License"], "BSD-3-Clause"),
        (["Version: 1.0", "Classifier: License :: OSI Approved :: MIT License"], "MIT"),
        (["Version: 1.0", "License: LGPLv3+"], "LicenseRef-GNU"),
        (
            [
                "Version: 1.0",
                "License: BSD-like",
                "Classifier: License :: OSI Approved :: GNU Affero General Public License v3",
            ],
            "LicenseRef-GNU",
        ),
        (["Version: 1.0"], ""),
        (["Version: 1.0", "License: you may look at it"], ""),
    ],
)
def test_what_a_package_states_is_read_in_its_older_forms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], licence: str
) -> None:
    """Where any part of it speaks of the GPL, that is what it is until somebody has read it."""
    monkeypatch.syspath_prepend(tmp_path)
    read = TOOL["licence"](package(tmp_path, *lines))
    assert read == licence
    assert TOOL["is_allowed"](read) == (licence in {"BSD-3-Clause", "MIT"})
