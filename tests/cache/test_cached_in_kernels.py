"""Notebooks that are run again: by another kernel, from the top, in another order, a week later."""

from __future__ import annotations

from pathlib import Path

import pytest
from kernels import Kernel, running_kernel

import taskkit

pytestmark = pytest.mark.stack

CONNECT = "import taskkit\nclient = taskkit.Client().options(cache=True)"
DATA = "import numpy as np\ndata = {'weights': np.arange(4.0), 'names': {'b', 'a', 'c'}}"
HELPER = "def helper(x):\n    # as in the paper\n    return float(x @ data['weights'])"
FIT = '''def fit(n, path):
    """Fit."""
    with open(path, "a") as file:
        file.write("x")
    return helper(np.ones(n)), sorted(data["names"])'''
DOCUMENTED = FIT.replace('"""Fit."""', '"""Fit, and note that."""\n\n')


def ask(kernel: Kernel, path: Path) -> str:
    """Submit the call, and return what the cell shows when it is done."""
    kernel.run(f"job = client.submit(fit, 4, {str(path)!r})\nvalue = job.result(60)")
    assert kernel.run("print(value)").stdout == "(6.0, ['a', 'b', 'c'])\n"
    return kernel.run("job").shown.replace("\u00a0", " ")


def test_a_notebook_that_is_run_again_runs_what_changed(
    stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """Nothing after a restart, whatever the order and numbers of cells; what follows a change."""
    path = tmp_path / "runs"
    told = {
        "TASKKIT_URL": stack.url,
        "TASKKIT_TOKEN": stack.token or "",
        "TASKKIT_PROGRESS": "plain",
    }
    with running_kernel(**told, PYTHONHASHSEED="1") as kernel:
        for cell in (CONNECT, DATA, HELPER, FIT):
            kernel.run(cell)
        shown = ask(kernel, path)
        assert "same code" not in shown
    with running_kernel(**told, PYTHONHASHSEED="2") as kernel:
        for cell in ("1 + 1", DOCUMENTED, HELPER, "other = 3", CONNECT, DATA, HELPER):
            kernel.run(cell)
        assert "): same code and arguments" in ask(kernel, path)
        assert len(path.read_text()) == 1
        kernel.run("data['weights'] = data['weights'] + 0")
        assert "same code and arguments" in ask(kernel, path)
        kernel.run(HELPER.replace("return", "x = x\n    return"))
        assert "run again: the code of `helper` changed" in ask(kernel, path)
        kernel.run("data['more'] = 1")
        assert "run again: `data` changed" in ask(kernel, path)
        assert len(path.read_text()) == 3
