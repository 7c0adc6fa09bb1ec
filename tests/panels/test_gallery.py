"""What a job displays is in its panel: live, in the saved notebook, and without the kernel."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from test_widget import executed, is_final, opened, values

from taskkit.panels.displayed import figure_html, gallery_html
from taskkit.panels.render import picture
from taskkit.protocol.jobs import Figure, JobRecord, JobState

if TYPE_CHECKING:
    from kernels import Kernel, Message

PNG = b"\x89PNG"


def figure(media_type: str = "image/png", *, name: str = "1", size: int = 4) -> Figure:
    """Return what is known of a figure before it is brought."""
    return Figure(
        name=name, media_type=media_type, size_bytes=size, digest="ab", text="<Fig & ure>"
    )


def with_text(kernel: Kernel, text: str) -> Message:
    """Return the first message that has this text."""
    for message in kernel.messages:
        if text in str(message["content"]):
            return message
    return kernel.until(lambda message: text in str(message["content"]))


@pytest.mark.parametrize(
    ("media_type", "data", "html"),
    [
        ("image/png", PNG, f'<img src="data:image/png;base64,{b64encode(PNG).decode()}"'),
        ("image/svg+xml", b"<svg/>", f"data:image/svg+xml;base64,{b64encode(b'<svg/>').decode()}"),
        ("text/html", b"<table></table>", '<div class="tk-html"><table></table></div>'),
        ("text/latex", b"$a<b$", "<div>$a&lt;b$</div>"),
        ("text/plain", b"a < b\n", '<pre class="tk-lines">a &lt; b\n</pre>'),
        ("text/markdown", b"*<b>*", '<pre class="tk-lines">*&lt;b&gt;*</pre>'),
        ("application/x-later", b"<b>", '<pre class="tk-lines">&lt;b&gt;</pre>'),
        ("image/png", b"", "&lt;Fig &amp; ure&gt; is not here any more"),
        ("image/png", None, "&lt;Fig &amp; ure&gt; is on its way …"),
    ],
)
def test_each_media_type_is_shown_as_it_is_meant(
    media_type: str, data: bytes | None, html: str
) -> None:
    """Images as images, which run no script; everything but HTML escaped."""
    assert html in figure_html(figure(media_type), data)


def test_a_figure_has_words_and_its_name() -> None:
    """For who does not see it; a number is no name."""
    named = figure_html(figure(name="<loss>"), PNG)
    assert 'alt="&lt;Fig &amp; ure&gt;"' in named
    assert "<figcaption>&lt;loss&gt;</figcaption>" in named
    assert "figcaption" not in figure_html(figure(name="3"), PNG)
    assert gallery_html([]) == ""


def test_text_says_how_many_figures_there_are() -> None:
    """Where there is only text."""
    record = JobRecord(id="j", task="fit", state=JobState.RUNNING, figures=(figure(), figure()))
    assert "2 figures" in picture("fit", [record], now_ms=0).line
    assert picture("both", [record, record], now_ms=0).figures == ()


def test_a_live_panel_shows_figures_and_sends_each_once(kernel: Kernel) -> None:
    """However often the panel is redrawn; one that is displayed again takes its place."""
    kernel.run("job = Fake(); job.set(1)\njob")
    kernel.run("job.display('map', b'first'); job.display('1', b'other')")
    first, other = (b64encode(data).decode() for data in (b"first", b"other"))
    for content in (first, other):
        assert with_text(kernel, content)["msg_type"] == "comm_open"
    seen = len(kernel.messages)
    kernel.run("import time\nfor n in range(2, 12): job.set(n); time.sleep(0.1)")
    assert len(values(kernel.messages[seen:])) >= 5
    assert "base64" not in "".join(map(str, kernel.messages[seen:]))
    kernel.run("job.display('map', b'second')")
    second = b64encode(b"second").decode()
    assert with_text(kernel, second)["msg_type"] == "comm_msg"
    [ended] = filter(is_final, kernel.run("job.end()"))
    html = ended["content"]["data"]["text/html"]
    assert html.index(other) < html.index(second)
    assert first not in html
    closed = {m["content"]["comm_id"] for m in kernel.messages if m["msg_type"] == "comm_close"}
    assert set(opened(kernel.messages[:], "HTMLModel")[1:]) <= closed


def test_the_executed_notebook_has_what_was_displayed(request: Any) -> None:
    """Also in its very last cell; and a job that was final before it was shown."""
    cells = ("job = Fake()\njob", "job.display('map', b'first'); job.end()")
    output, _ = executed(*cells, path=request.path.parent)
    assert b64encode(b"first").decode() in output["data"]["text/html"]
    assert "1 figure" in output["data"]["text/plain"]
    (output,) = executed(f"job = Fake(); {cells[1]}\njob", path=request.path.parent)
    assert b64encode(b"first").decode() in output["data"]["text/html"]


def test_a_final_panel_waits_for_what_has_not_come_yet(kernel: Kernel) -> None:
    """It says that it is on its way, and is whole in the end."""
    kernel.run("job = Fake(); job.is_server_away = True\njob")
    during = kernel.run("job.display('map', b'late'); job.end()")
    assert not any(map(is_final, during))
    came = [*filter(is_final, kernel.run("job.come_back()"))]
    late = b64encode(b"late").decode()
    last = came[0] if came else kernel.until(is_final)
    assert late in last["content"]["data"]["text/html"]


def test_a_card_that_comes_late_is_put_below_the_final_picture(kernel: Kernel) -> None:
    """Which does not wait for it; where it is here at once, it is in the first."""
    kernel.run("job = Fake(); job.is_server_away = True\njob")
    ended = [*filter(is_final, kernel.run("job.end()"))]
    first = ended[0] if ended else kernel.until(is_final)
    assert "its card" not in first["content"]["data"]["text/html"]
    came = [*filter(is_final, kernel.run("job.come_back()"))]
    last = came[0] if came else kernel.until(is_final)
    assert "its card" in last["content"]["data"]["text/html"]
    assert "succeeded" in last["content"]["data"]["text/html"]
    ended = [*filter(is_final, kernel.run("other = Fake(); display(other)\nother.end()"))]
    only = ended[0] if ended else kernel.until(is_final)
    assert "its card" in only["content"]["data"]["text/html"]


def test_what_never_comes_holds_no_panel_up_for_ever(kernel: Kernel) -> None:
    """In its place stands what it was."""
    kernel.run("from taskkit.panels import widget; widget.PATIENCE_S = 0.6")
    kernel.run("job = Fake(); job.is_server_away = True; job.display('map', b'x')\njob")
    kernel.run("job.end()")
    last = kernel.until(is_final)
    assert "is on its way" in last["content"]["data"]["text/html"]
    kernel.run("widget.PATIENCE_S = 30.0")


def test_many_large_figures_do_not_cut_the_kernels_output_off(kernel: Kernel) -> None:
    """A Jupyter server drops what is above 1 MB a second, averaged over three; all come, later."""
    large = "bytes([n]) * 300_000"
    kernel.run("jobs = [Fake() for n in range(4)]\nfor job in jobs: display(job)")
    kernel.run(f"for n, job in enumerate(jobs): job.display('map', {large}); job.end()")
    for _ in range(4 - sum(map(is_final, kernel.messages))):
        kernel.until(is_final)
    finals = [m for m in kernel.messages if is_final(m)]
    assert all("data:image/png" in m["content"]["data"]["text/html"] for m in finals)
    sent = [(m["header"]["date"], len(str(m["content"]))) for m in kernel.messages]
    for at, _ in sent:
        window = [size for when, size in sent if 0 <= (when - at).total_seconds() < 3]
        assert sum(window) < 3_000_000
