"""Panels in a real kernel."""

from __future__ import annotations

import html
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient
from notebook_fake import Fake

from taskkit.panels import show
from taskkit.panels.widget import VIEW
from taskkit.protocol.jobs import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from kernels import Kernel, Message


def values(messages: list[Message]) -> list[str]:
    """Return the panel's HTML as it was set, one a redraw."""
    updates = [
        message["content"]["data"]
        for message in messages
        if message["msg_type"] == "comm_msg" and message["content"]["data"]["method"] == "update"
    ]
    return [data["state"]["value"] for data in updates if "value" in data["state"]]


def is_final(message: Message) -> bool:
    """Return whether this message puts plain HTML in a panel's place."""
    if message["msg_type"] != "update_display_data":
        return False
    html = message["content"]["data"].get("text/html", "")
    return 'class="tk-still"' in html and 'class="tk-dated"' not in html


def told(kernel: Kernel, button: str) -> list[str]:
    """Return what a button has said so far."""
    said = []
    for message in kernel.messages:
        content = message["content"]
        if content.get("comm_id") == button and message["msg_type"].startswith("comm_"):
            state = content["data"].get("state", {})
            said += [state["description"]] if "description" in state else []
    return said


def opened(messages: list[Message], model: str) -> list[str]:
    """Return the comms of the widgets of a class."""
    return [
        message["content"]["comm_id"]
        for message in messages
        if message["msg_type"] == "comm_open"
        and message["content"]["data"]["state"]["_model_name"] == model
    ]


def executed(*cells: str, path: Path, **environment: str) -> list[dict[str, Any]]:
    """Return the outputs of the first cell of a notebook that was run to its end."""
    lines = ["import os, sys", f"sys.path[:0] = [{str(path)!r}]"]
    lines += [f"os.environ[{name!r}] = {value!r}" for name, value in environment.items()]
    first = "\n".join([*lines, "from notebook_fake import Fake", cells[0]])
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in (first, *cells[1:])]
    )
    NotebookClient(book, timeout=60, kernel_name="python3").execute()
    return [dict(output) for output in book.cells[0]["outputs"]]


def test_a_final_panel_is_plain_html_in_the_executed_notebook(request: Any) -> None:
    """Also where the job ended in the notebook's very last cell, and the kernel was stopped."""
    cells = ("job = Fake()\njob", "job.set(5000); job.end()")
    output, live = executed(*cells, path=request.path.parent)
    assert live["data"] == {"text/html": "", "text/plain": ""}
    assert VIEW not in output["data"]
    assert "succeeded" in output["data"]["text/html"]
    assert "<style>" in output["data"]["text/html"]
    assert output["data"]["text/plain"].startswith("✓ fit succeeded in")


def test_a_notebook_saved_before_the_end_says_as_of_when(request: Any) -> None:
    """Before the widget stand HTML and text that go on being true, and how to follow it."""
    output, live = executed("job = Fake(); job.set(5000)\njob", path=request.path.parent)
    assert live["data"] == {VIEW: live["data"][VIEW], "text/plain": ""}
    assert VIEW not in output["data"]
    for form in ("text/plain", "text/html"):
        assert "running" in output["data"][form]
        assert "50 %" in output["data"][form].replace("\N{NO-BREAK SPACE}", " ")
        text = html.unescape(output["data"][form])
        assert "as of 20" in text
        assert f"to follow it, run taskkit.Client().job('{'0' * 32}')" in text


def test_what_is_saved_is_brought_up_to_date_while_a_job_runs(kernel: Kernel) -> None:
    """Now and then, for a notebook is saved at any moment; with a click it is not."""
    kernel.run("from taskkit.panels import widget; widget.STILL_S = 0.5\njob = Fake()\njob")
    kernel.run("job.set(2500)")
    shown = kernel.until(
        lambda m: (
            m["msg_type"] == "update_display_data" and "25" in m["content"]["data"]["text/plain"]
        )
    )
    assert 'class="tk-dated"' in shown["content"]["data"]["text/html"]
    ended = kernel.run("job.end(); widget.STILL_S = 10.0")
    assert sum(map(is_final, ended)) == 1


def test_the_plain_mode_shows_only_a_line(request: Any) -> None:
    """For notebooks that programs run; the line is brought up to date."""
    cells = ("job = Fake(); job.set(5000)\njob", "job.end()")
    (output,) = executed(*cells, path=request.path.parent, TASKKIT_PROGRESS="plain")
    assert list(output["data"]) == ["text/plain"]
    assert output["data"]["text/plain"].startswith("✓ fit succeeded in")


def test_the_mode_none_shows_only_the_repr(request: Any) -> None:
    """Nothing moves, nothing differs between runs."""
    (output,) = executed("job = Fake()\njob", path=request.path.parent, TASKKIT_PROGRESS="none")
    assert output["text"] == "<Fake fit>\n"


def test_ten_thousand_changes_in_a_second_are_a_dozen_messages(kernel: Kernel) -> None:
    """A Jupyter server drops the output of kernels that send more than a thousand a second."""
    kernel.run("job = Fake()\njob")
    before = len(kernel.messages)
    kernel.run(
        "import time\n"
        "began = time.monotonic()\n"
        "for number in range(1, 10_000):\n"
        "    job.set(number)\n"
        "    while time.monotonic() < began + number / 10_000: pass\n"
        "took_s = time.monotonic() - began\n"
        "job.end()\n"
    )
    took = kernel.run("print(took_s)")
    took_s = float(next(m["content"]["text"] for m in took if m["msg_type"] == "stream"))
    drawn = values(kernel.messages[before:])
    assert 3 <= len(drawn) <= 11 * took_s + 2
    assert len(set(drawn)) == len(drawn)


def test_the_bar_moves_while_the_kernel_is_idle_and_ends_exactly_once(kernel: Kernel) -> None:
    """Updates come from a thread after the cell returned; then HTML once, and no widget is left."""
    opening = kernel.run("job = Fake()\njob")
    kernel.run(
        "import threading, time\n"
        "def work():\n"
        "    for number in range(1, 11):\n"
        "        job.set(number, 10); time.sleep(0.15)\n"
        "    job.end()\n"
        "threading.Thread(target=work).start()"
    )
    before = len(kernel.messages)
    final = kernel.until(is_final)
    assert len(set(values(kernel.messages[before:]))) >= 3
    assert "succeeded" in final["content"]["data"]["text/html"]
    left = kernel.run(
        "from ipywidgets.widgets import widget\n"
        "from taskkit.panels.flush import FLUSHER\n"
        "job.end(); FLUSHER.catch_up()\n"
        "print(len(widget._instances), job.watchers)"
    )
    # What all panels have in common: a style sheet and how things look.
    assert [m["content"]["text"] for m in left if m["msg_type"] == "stream"] == ["4 []\n"]
    assert sum(map(is_final, kernel.messages)) == 1
    assert len(opened(opening, "ButtonModel")) == 1
    again = kernel.run("other = Fake(); other._ipython_display_()")
    assert len([m for m in again if m["msg_type"].startswith("comm")]) == 3


def test_panels_survive_that_all_widgets_are_closed(kernel: Kernel) -> None:
    """As some do at a notebook's end; what they have in common is made anew."""
    kernel.run("import ipywidgets; ipywidgets.Widget.close_all()\njob = Fake()\njob")
    shown = kernel.run("job2 = Fake()\njob2")
    assert len(opened(shown, "VBoxModel")) == 1
    sheet = kernel.run("from taskkit.panels.shared import shared; print(shared().sheet.comm)")
    assert "None" not in "".join(m["content"].get("text", "") for m in sheet)


def test_two_hundred_live_panels_stay_below_what_a_server_takes(kernel: Kernel) -> None:
    """1,000 messages a second, within three: from the first to the last, while all of them move.

    Source: jupyter_server, ``ZMQChannelsWebsocketConnection.iopub_msg_rate_limit``. Meanwhile each
    panel is redrawn, and cells of the user's run.
    """
    kernel.run(
        "jobs = [Fake() for _ in range(200)]\n"
        "for job in jobs: job._ipython_display_()\n"
        "import threading, time\n"
        "def work():\n"
        "    end = time.monotonic() + 6\n"
        "    number = 0\n"
        "    while time.monotonic() < end:\n"
        "        number += 1\n"
        "        for job in jobs: job.set(number % 10_000)\n"
        "    for job in jobs: job.end()\n"
        "worker = threading.Thread(target=work); worker.start()"
    )
    asked = 0
    while True:
        told = kernel.run("print(worker.is_alive() or any(job.watchers for job in jobs))")
        asked += 1
        if any("False" in m["content"].get("text", "") for m in told):
            break
        time.sleep(0.5)
    times = [message["header"]["date"].timestamp() for message in kernel.messages]
    busiest = max(sum(at <= other < at + 3 for other in times) for at in times[::20])
    assert busiest < 3000, busiest
    assert asked >= 3
    drawn = Counter(
        m["content"]["comm_id"]
        for m in kernel.messages
        if m["msg_type"] == "comm_msg" and "value" in m["content"]["data"].get("state", {})
    )
    assert len(drawn) >= 200  # earlier tests have left some
    assert sum(map(is_final, kernel.messages)) == 200


def test_the_button_cancels(kernel: Kernel) -> None:
    """A click ends the job, and the panel shows it as cancelled."""
    (button,) = opened(kernel.run("job = Fake(3)\njob"), "ButtonModel")
    kernel.click(button)
    assert "3\N{NO-BREAK SPACE}cancelled" in kernel.until(is_final)["content"]["data"]["text/html"]


def test_a_click_tries_again_what_failed(kernel: Kernel) -> None:
    """The same button, below the final picture; the panel then lives as before, to its end."""
    (button,) = opened(kernel.run("job = Fake(3)\njob"), "ButtonModel")
    assert any(map(is_final, kernel.run("job.end(JobState.FAILED)")))
    assert told(kernel, button)[-2:] == ["Cancel", "Retry 3"]
    kernel.click(button)
    kernel.until(lambda message: "running" in "".join(values([message])))
    assert told(kernel, button)[-2:] == ["Retrying…", "Cancel"]
    (final,) = filter(is_final, kernel.run("job.end()"))
    assert "succeeded" in final["content"]["data"]["text/html"]


def test_a_retry_that_fails_says_why(kernel: Kernel) -> None:
    """Beside the final picture; the button can be clicked again."""
    code = "class Gone(Fake):\n    def retry(self): raise OSError('no route')\njob = Gone()\njob"
    (button,) = opened(kernel.run(code), "ButtonModel")
    assert any(map(is_final, kernel.run("job.end(JobState.CANCELLED)")))
    kernel.click(button)
    final = kernel.until(is_final)["content"]["data"]["text/html"]
    assert "could not be tried again: no route" in final
    kernel.until(lambda message: told(kernel, button)[-1] == "Retry")


def test_old_offers_to_try_again_are_withdrawn(kernel: Kernel) -> None:
    """Their widgets would be kept for as long as the kernel lives."""
    kernel.run(
        "from taskkit.panels import widget\n"
        "while widget._OFFERS: widget._OFFERS.popleft().close()\n"
        "widget.MOST_OFFERS = 2"
    )
    for number in range(4):
        kernel.run(f"job{number} = Fake(); job{number}._ipython_display_()")
        kernel.run(f"job{number}.end(JobState.FAILED)")
    left = kernel.run(
        "from ipywidgets import Button\n"
        "from ipywidgets.widgets import widget as all_\n"
        "buttons = [w for w in all_._instances.values() if isinstance(w, Button)]\n"
        "print(sum(button.description == 'Retry' for button in buttons))"
    )
    assert [m["content"]["text"] for m in left if m["msg_type"] == "stream"] == ["2\n"]


def test_a_cancel_that_fails_says_why(kernel: Kernel) -> None:
    """The panel shows the reason, and the button can be clicked again."""
    code = (
        "class Stubborn(Fake):\n"
        "    def cancel(self): raise OSError('no route')\n"
        "job = Stubborn()\njob"
    )
    (button,) = opened(kernel.run(code), "ButtonModel")
    kernel.click(button)
    kernel.until(lambda message: "could not be cancelled: no route" in "".join(values([message])))
    assert not [m for m in kernel.messages if m["msg_type"] == "stream"]


def test_a_job_that_is_final_already_needs_no_widget(kernel: Kernel) -> None:
    """Its cell holds plain HTML from the beginning."""
    shown = kernel.run("job = Fake(); job.end()\njob")
    assert not opened(shown, "VBoxModel")
    (output,) = [m["content"]["data"] for m in shown if m["msg_type"] == "display_data"]
    assert sorted(output) == ["text/html", "text/plain"]


def test_outside_a_notebook_a_line_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal gets text."""
    job = Fake()
    job.end(JobState.CANCELLED)
    show(job)
    assert capsys.readouterr().out.startswith("⊘ fit cancelled after")
