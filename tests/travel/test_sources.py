"""Of a worker's traceback, frames in cells of this notebook are told as IPython tells them."""

from __future__ import annotations

import subprocess
import sys

from taskkit.travel.sources import with_sources

IN_A_NOTEBOOK = """
import linecache, re, traceback
from IPython.core.interactiveshell import InteractiveShell
from taskkit.travel.sources import with_sources

shell = InteractiveShell.instance()
shell.run_cell("def inner(x):\\n    return 1 / x", store_history=True)
shell.run_cell("def fit(x):\\n    y = inner(\\n        x)\\n    return y", store_history=True)
try:
    shell.user_ns["fit"](0)
except ZeroDivisionError:
    here = traceback.format_exc()
# A worker has no source of the cells; of its own files it has.
bare = re.sub(r'(?m)^(  File "<ipython-input.*\\n)(    .*\\n)+', r"\\1", here)
assert "return 1 / x" not in bare
assert "<ipython-input" in bare
told = with_sources(bare)
print(told)
assert with_sources(told) == told
assert with_sources(here).count("return 1 / x") == 1
margin = "".join(f"  | {line}" for line in bare.splitlines(keepends=True))
assert "  |     return 1 / x" in with_sources(margin), with_sources(margin)
beyond = re.sub("line [0-9]+, in inner", "line 99, in inner", bare)
assert "Cell In[1]\\", line 99, in inner\\nZero" in with_sources(beyond)
linecache.clearcache()
assert with_sources(bare) == bare
"""


def test_cells_have_their_names_and_lines() -> None:
    """As an error of the notebook's own has; what is whole already stays as it is."""
    run = [sys.executable, "-c", IN_A_NOTEBOOK]
    ran = subprocess.run(run, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert '  File "Cell In[2]", line 2, in fit' in lines
    at = lines.index('  File "Cell In[1]", line 2, in inner')
    assert lines[at + 1] == "    return 1 / x"


def test_without_a_notebook_a_traceback_stays_as_it_is() -> None:
    """In a script, and of cells that another kernel had."""
    text = 'Traceback (most recent call last):\n  File "/tmp/x/1.py", line 1, in f\nValueError\n'
    assert with_sources(text) == text
