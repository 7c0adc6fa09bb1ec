"""All the output of a live panel, and what a panel is without its fold."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from panel_records import record
from test_widget import is_final, opened, values

from taskkit.panels import job_html
from taskkit.panels.drawer import GAP_S, Drawer
from taskkit.panels.fold import apart
from taskkit.panels.shared import shared

if TYPE_CHECKING:
    from kernels import Kernel, Message

PRINTING = (
    "import time\n"
    "for number in range(40):\n"
    "    job._change(output=''.join(f'line {n}\\n' for n in range(number)))\n"
    "    time.sleep(0.05)\n"
)


def drawn(messages: list[Message]) -> list[str]:
    """Return what was put into drawers."""
    return [value for value in values(messages) if '<div class="taskkit"><pre' in value]


def test_a_live_panel_tells_what_it_does_not_show() -> None:
    """The summary stays where it was; all lines go elsewhere."""
    html = job_html(record(output="".join(f"<{number}>\n" for number in range(9))), now_ms=0)
    card, lines = apart(html)
    assert '<div class="tk-above">3 lines above</div>' in card
    assert "<details" not in card
    assert "&lt;2&gt;" not in card
    assert "&lt;3&gt;" in card
    assert lines == (
        '<pre class="tk-lines">' + "\n".join(f"&lt;{number}&gt;" for number in range(9)) + "</pre>"
    )


def test_a_panel_without_a_fold_stays_as_it_is() -> None:
    """Also where nothing was printed."""
    for output in ("", "a\nb\n"):
        html = job_html(record(output=output), now_ms=0)
        assert apart(html) == (html, "")


@given(st.text(alphabet="a\n<>", max_size=60))
def test_what_a_user_prints_is_no_fold(text: str) -> None:
    """It is escaped before."""
    fold = '<details class="tk-more"><summary>x</summary></details></div></pre>'
    card, lines = apart(job_html(record(output=f"{fold}\n{text}\n{fold}"), now_ms=0))
    assert "<details" not in card
    assert lines.count("<pre") == lines.count("</pre>") == (1 if lines else 0)


def test_a_drawer_is_filled_about_once_a_second() -> None:
    """However often the panel around it is redrawn."""
    drawer = Drawer(shared())
    _, lines = drawer.widgets
    for number, now_s in enumerate((5.0, 5.0 + GAP_S / 2, 5.0 + GAP_S)):
        drawer.show(f"<pre>{number}</pre>", now_s)
        assert f"<pre>{(0, 0, 2)[number]}</pre>" in lines.value
    drawer.show("", 8.0)
    assert '<pre class="tk-lines"></pre>' in lines.value


def test_a_panel_gets_a_drawer_when_more_is_printed_than_it_shows(kernel: Kernel) -> None:
    """Its summary is never replaced, so it stays open; at the end no widget is left."""
    kernel.run("job = Fake()\njob")
    before = len(kernel.messages)
    began = time.monotonic()
    kernel.run(PRINTING)
    kernel.until(lambda message: "line 38" in "".join(drawn([message])))
    took_s = time.monotonic() - began
    seen = kernel.messages[before:]
    assert len(opened(seen, "HTMLModel")) == 2
    assert not any("tk-drawer" in value for value in values(seen))
    assert not any("<details" in value for value in values(seen))
    assert len(drawn(seen)) <= took_s / GAP_S + 2
    assert len(values(seen)) > 2 * len(drawn(seen))
    kernel.run("job.end()")
    final = next(m for m in kernel.messages[before:] if is_final(m))
    assert "33 lines above" in final["content"]["data"]["text/html"]
    # What all panels have in common.
    left = kernel.run("from ipywidgets.widgets import widget\nprint(len(widget._instances))")
    assert [m["content"]["text"] for m in left if m["msg_type"] == "stream"] == ["4\n"]
