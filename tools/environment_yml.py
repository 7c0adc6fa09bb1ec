"""Write environment.yml from pyproject.toml: Python and pip from conda, the locked set by pip."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

TEMPLATE = """\
# Written by `make lock` from pyproject.toml. `make env` uses it and adds the project itself;
# by hand, that is: python -m pip install --no-deps --no-build-isolation --editable .
name: {name}
channels:
  - conda-forge
dependencies:
  - python {requires_python}
  - pip
  - pip:
      - -r requirements.lock
"""


def render(project: dict[str, Any]) -> str:
    """Return environment.yml for the contents of a pyproject.toml."""
    about = project["project"]
    return TEMPLATE.format(name=about["name"], requires_python=about["requires-python"])


if __name__ == "__main__":
    parsed = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (ROOT / "environment.yml").write_text(render(parsed))
