"""Server and worker load what they use, and nothing that a library finds by chance."""

from __future__ import annotations

import subprocess
import sys

import pytest

from taskkit.lean import without


def test_what_is_hidden_is_not_to_be_had_within_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is afterwards; what was there before stays throughout."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with without("colorsys", "json"):
        with pytest.raises(ImportError):
            import colorsys
        assert sys.modules["json"] is not None
    import colorsys

    assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)


def test_an_error_within_the_block_hides_nothing_for_ever() -> None:
    """The names are free again."""
    with pytest.raises(ZeroDivisionError), without("taskkit_no_such_module"):
        _ = 1 / 0
    assert "taskkit_no_such_module" not in sys.modules


@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("taskkit_server.__main__", ("celery", "flask", "redis", "socketio")),
        (
            "taskkit_server.process.serving",
            ("requests", "tornado", "valkey", "yaml", "cffi", "numpy", "taskkit.panels"),
        ),
        ("taskkit_worker.__main__", ("cffi", "numpy", "socketio", "flask", "IPython")),
        ("taskkit.stack.stack", ("redis", "valkey", "celery", "flask", "socketio")),
    ],
)
def test_a_process_loads_no_more_than_it_uses(module: str, unused: tuple[str, ...]) -> None:
    """The tasks that workers offer are loaded, too, where it is a worker's."""
    code = f"import sys, {module}\n"
    if "worker" in module:
        code += "from taskkit_worker.catalogue import Catalogue\nCatalogue()\n"
    code += f"print(*[name for name in {unused!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
