"""The tool that draws each state of a panel for the documentation, for tests of all of them."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

TOOL = Path(__file__).parents[2] / "tools" / "panel_pictures.py"


@cache
def pictures() -> ModuleType:
    """Return the tool as a module."""
    spec = importlib.util.spec_from_file_location(TOOL.stem, TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
