"""How a process knows which notebook it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kernels import running_kernel

from taskkit.client.session import main_namespace, session_of, short

NOTEBOOK, SCRIPT = "/home/ada/fit.ipynb", "/home/ada/fit.py"
VS_CODE = {"__vsc_ipynb_file__": "/home/ada/code.ipynb"}


@pytest.mark.parametrize(
    ("environment", "namespace", "session"),
    [
        ({}, {}, ""),
        ({}, {"__file__": SCRIPT}, SCRIPT),
        ({"JPY_SESSION_NAME": NOTEBOOK}, {}, NOTEBOOK),
        ({"JPY_SESSION_NAME": NOTEBOOK}, {"__file__": SCRIPT}, NOTEBOOK),
        ({"JPY_SESSION_NAME": "/srv/code-jvsc-81f0.ipynb"}, VS_CODE, "/home/ada/code.ipynb"),
        ({"TASKKIT_SESSION": "mine", "JPY_SESSION_NAME": NOTEBOOK}, VS_CODE, "mine"),
        ({"TASKKIT_SESSION": " ", "JPY_SESSION_NAME": NOTEBOOK}, {}, NOTEBOOK),
        ({}, {"__file__": None}, ""),
    ],
    ids=["nothing", "script", "notebook", "notebook first", "VS Code", "named", "blank", "no path"],
)
def test_what_says_most_comes_first(
    environment: dict[str, str], namespace: dict[str, Any], session: str
) -> None:
    """A name that somebody gave, then the notebook's path, then the script's."""
    assert session_of(environment, namespace) == session


def test_a_path_is_as_the_server_takes_it() -> None:
    """Not longer than it takes, and with bytes that are no UTF-8 written out."""
    assert session_of({"TASKKIT_SESSION": "x" * 2000 + "/fit.ipynb"}, {}).endswith("x/fit.ipynb")
    assert len(session_of({"TASKKIT_SESSION": "x" * 2000}, {})) == 1000
    assert session_of({"JPY_SESSION_NAME": "/caf\udce9.ipynb"}, {}) == r"/caf\udce9.ipynb"


@pytest.mark.parametrize(
    ("session", "name"), [(NOTEBOOK, "fit.ipynb"), ("my sweep", "my sweep"), ("/", "/")]
)
def test_a_reader_knows_a_session_by_its_last_part(session: str, name: str) -> None:
    """As the title of a panel."""
    assert short(session) == name


def test_the_namespace_is_that_of_the_program() -> None:
    """Not of the module that asks."""
    assert main_namespace()["__name__"] == "__main__"


@pytest.mark.parametrize("told", [{"JPY_SESSION_NAME": NOTEBOOK}, {}], ids=["server", "nbclient"])
def test_a_real_kernel_knows_what_it_was_told(
    told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server tells a kernel its notebook; nbclient and others do not, and then there is none."""
    for name in ("TASKKIT_SESSION", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    code = (
        "import os\n"
        "from taskkit.client.session import main_namespace, session_of\n"
        "print(session_of(os.environ, main_namespace()))"
    )
    with running_kernel(**told) as kernel:
        assert kernel.run(code).stdout == told.get("JPY_SESSION_NAME", "") + "\n"


def test_the_variable_is_the_one_that_the_server_sets() -> None:
    """It is read in jupyter_server's own source: a renaming there is seen here."""
    from jupyter_server.services.sessions import sessionmanager

    assert '"JPY_SESSION_NAME"' in Path(sessionmanager.__file__).read_text()
