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


def test_what_is_hollow_is_empty_within_the_block_and_whole_afterwards() -> None:
    """Who imports from it has something that takes a type's arguments; what is in it can be had."""
    code = """
import sys
from taskkit.lean import hollow

with hollow("xml.dom", "wave", "json"):
    from xml import dom
    from xml.dom import Node
    from xml.dom.minicompat import NodeList
    from wave import Wave_read
    assert Node is Wave_read[int] is Wave_read
    assert NodeList.__module__ == "xml.dom.minicompat"
    assert not hasattr(dom, "__wrapped__")
    assert sys.modules["json"].loads("1") == 1

assert "xml.dom" not in sys.modules and "wave" not in sys.modules
import wave, xml, xml.dom
assert issubclass(wave.Wave_read, object) and wave.Wave_read is not Wave_read
assert xml.dom is sys.modules["xml.dom"] is not dom and xml.dom.Node.ELEMENT_NODE == 1
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", "import json\n" + code], check=True)


def test_what_is_hollow_for_us_is_whole_for_jobs_and_extensions() -> None:
    """They may import any of it later."""
    code = """
import taskkit_server.process.serving
import engineio.async_server, flask.typing, redis, redis.asyncio, socketio.async_server
assert redis.asyncio.Redis.__module__ == "redis.asyncio.client"
assert "Mapping" in str(flask.typing.ResponseValue)
assert issubclass(socketio.async_server.AsyncServer, socketio.base_server.BaseServer)
assert engineio.async_server.AsyncServer.__module__ == "engineio.async_server"
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_a_collector_that_was_held_leaves_alone_what_came_meanwhile() -> None:
    """And collects what comes after."""
    code = """
import gc, weakref
from taskkit.lean import hold_collector, release_collector

class Thing: pass

def circle():
    thing = Thing()
    thing.own = thing
    return weakref.ref(thing)

hold_collector()
before = [circle() for _ in range(10_000)]
assert all(thing() for thing in before)
assert not gc.isenabled()
release_collector()
after = [circle() for _ in range(10_000)]
assert gc.isenabled()
assert gc.get_freeze_count() >= 10_000
gc.collect()
assert all(thing() for thing in before)
assert not any(thing() for thing in after)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_copy_of_our_own_hides_nothing_from_anybody_else() -> None:
    """Another thread imports meanwhile what is hidden; afterwards the package is there, whole."""
    code = """
import sys, threading
from taskkit.lean import own_copy

with own_copy("wave", without=("colorsys", "sndhdr")):
    thread = threading.Thread(target=lambda: __import__("colorsys"))
    thread.start()
    thread.join()
    import colorsys
    import wave as ours
    try:
        import sndhdr
    except ImportError as error:
        assert error.name == "sndhdr"
    else:
        raise AssertionError("it was not hidden")

assert "wave" not in sys.modules
import sndhdr, wave
assert wave is not ours
with own_copy("wave", without=()):
    import wave as again
assert again is wave is sys.modules["wave"]
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


def test_a_kernel_may_use_the_whole_of_socketio_beside_the_client() -> None:
    """The client has gone without aiohttp; whoever imports it later has it, as have they."""
    code = """
import taskkit.client.socket as ours, sys
assert "socketio" not in sys.modules and "engineio" not in sys.modules
import aiohttp, socketio, engineio.async_client, taskkit.client.lean as lean
assert engineio.async_client.aiohttp is aiohttp
assert socketio is not lean.socketio and issubclass(ours.Socket, lean.socketio.Client)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("taskkit_server.__main__", ("celery", "flask", "redis", "socketio", "pydantic")),
        (
            "taskkit_server.process.serving",
            (
                *("requests", "tornado", "valkey", "yaml", "cffi", "numpy", "opentelemetry"),
                *("taskkit.panels", "limits", "flask.typing", "redis.asyncio"),
                *("socketio.async_server", "engineio.async_server"),
                *("celery", "kombu", "amqp", "billiard", "jinja2", "flask.testing"),
                *("werkzeug.debug", "werkzeug.serving", "werkzeug.test"),
            ),
        ),
        (
            "taskkit_worker.__main__",
            (
                *("cffi", "numpy", "socketio", "flask", "IPython", "pydantic_settings"),
                "redis.asyncio",
            ),
        ),
        ("taskkit.client.socket", ("aiohttp", "kombu", "redis", "requests", "tornado", "zmq")),
        ("taskkit.stack.stack", ("redis", "valkey", "celery", "flask", "socketio", "xmlrpc")),
        (
            "taskkit.stack.daemon",
            ("inspect", "ssl", "tomllib", "platformdirs", "typing_extensions", "http.client"),
        ),
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
