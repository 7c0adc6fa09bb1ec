"""`display` hands a job's figures on, and outside a job is Jupyter's own or prints."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import taskkit
from taskkit.inside.place import listening


class Listener:
    """Remembers what is displayed."""

    def __init__(self) -> None:
        self.displayed: list[tuple[str | None, str, bytes, str]] = []

    def display(self, name: str | None, media_type: str, data: bytes, text: str, /) -> None:
        self.displayed.append((name, media_type, data, text))

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def test_a_job_displays_to_its_listener() -> None:
    """Each object at once, as it is then."""
    listener = Listener()
    growing = [1]
    with listening(listener):  # type: ignore[arg-type]
        taskkit.display(growing, "b")
        growing.append(2)
        taskkit.display(growing, name="list")
        taskkit.display()
    assert listener.displayed == [
        (None, "text/plain", b"[1]", "[1]"),
        (None, "text/plain", b"'b'", "'b'"),
        ("list", "text/plain", b"[1, 2]", "[1, 2]"),
    ]


@pytest.mark.parametrize(
    ("shown", "name"), [((1, 2), "two"), ((), "none"), ((1,), 7)], ids=["two", "none", "number"]
)
def test_a_name_is_a_string_and_for_one_object(shown: tuple[object, ...], name: Any) -> None:
    """Also outside a job, so that the mistake is seen before it is sent away."""
    with pytest.raises(TypeError, match="one object"):
        taskkit.display(*shown, name=name)


def test_without_jupyter_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """As `display` of IPython does outside a notebook."""
    taskkit.display("a", [1])
    assert capsys.readouterr().out == "'a'\n[1]\n"


IN_A_CELL = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import DisplayHandle

shell = InteractiveShell.instance()
sent = []
shell.display_pub.publish = lambda data, **more: sent.append(
    (data["text/plain"], more.get("transient", {}).get("display_id"), more.get("update", False))
)
shell.run_cell("import taskkit; taskkit.display(1, 2)", store_history=True)
shell.run_cell("for n in range(3): taskkit.display(n, name='n')", store_history=True)
shell.run_cell("taskkit.display(9, name='n')", store_history=True)
print([(text, is_update) for text, _, is_update in sent])
ids = [id for _, id, _ in sent]
print(ids[:2], len(set(ids[2:5])), ids[5] not in ids[:5])
"""


def test_in_a_notebook_it_is_jupyters_own() -> None:
    """Under a name it replaces what the same cell has shown, and no other cell's."""
    ran = subprocess.run(
        [sys.executable, "-c", IN_A_CELL], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.splitlines() == [
        "[('1', False), ('2', False), ('0', False), ('1', True), ('2', True), ('9', False)]",
        "[None, None] 1 True",
    ]
