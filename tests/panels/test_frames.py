"""Tracebacks whose library frames are folded."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.panels import markup
from taskkit.panels.frames import MOST_CHARS, library_of, parts, summary, traceback_html
from taskkit.protocol.jobs import ErrorInfo

MINE = "/home/ada/study/model.py"
SKLEARN = "/env/lib/python3.12/site-packages/sklearn/base.py"
JOBLIB = "/env/lib/python3.12/site-packages/joblib/parallel.py"
JSON = "/usr/lib/python3.12/json/decoder.py"


@pytest.fixture(autouse=True)
def _sources() -> Iterator[None]:
    yield
    linecache.clearcache()


def calls(*files: str, last: str = "raise ValueError('no')", has_source: bool = True) -> Any:
    """Return a function that calls through these files, each of one function."""
    found: Any = None
    for file, number in zip(reversed(files), count(), strict=False):
        body = last if found is None else "return inner()"
        source = f"def f{number}():\n    {body}\n"
        names = {"inner": found}
        exec(compile(source, file, "exec"), names)
        if has_source:
            linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        found = names[f"f{number}"]
    return found


def traced(call: Callable[[], object]) -> str:
    """Return the traceback of a call that raises, without this function's own frame."""
    try:
        call()
    except Exception as error:  # noqa: BLE001
        below = error.__traceback__
        assert below is not None
        return "".join(traceback.format_exception(type(error), error, below.tb_next))
    raise AssertionError


class Folds(HTMLParser):
    """Splits the text of a traceback's HTML into what is in sight and what is folded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown, self.folded, self.summaries = "", "", []
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "summary" in self._open:
            self.summaries.append(data)
        elif "details" in self._open:
            self.folded += data
        else:
            self.shown += data


def test_frames_of_libraries_are_folded_and_those_of_the_user_shown() -> None:
    """With their source lines; the error is in sight."""
    folds = Folds(traceback_html(traced(calls(MINE, SKLEARN, JOBLIB, SKLEARN, MINE, JSON))))
    assert folds.summaries == ["… 3 frames in sklearn, joblib", "… 1 frame in json"]
    assert folds.shown.startswith("Traceback (most recent call last):\n")
    assert folds.shown.count(MINE) == 2
    assert folds.shown.count("return inner()") == 2
    assert folds.shown.endswith("ValueError: no")
    assert SKLEARN not in folds.shown
    assert folds.folded.count(SKLEARN) == 2
    assert folds.folded.count("return inner()") == 3


def test_frames_without_source_lines_are_folded_as_well() -> None:
    """Where the worker has no file of that name."""
    folds = Folds(traceback_html(traced(calls(MINE, SKLEARN, JSON, has_source=False))))
    assert folds.summaries == ["… 2 frames in sklearn, json"]
    assert folds.shown.splitlines()[1:] == [f'  File "{MINE}", line 2, in f2', "ValueError: no"]


def test_a_chain_of_exceptions_is_folded_in_each() -> None:
    """Both errors and what is said between them stay in sight."""

    def chained() -> None:
        try:
            calls(MINE, SKLEARN)()
        except ValueError as error:
            raise RuntimeError('gave up\n  File "not a frame"\n    at all') from error

    folds = Folds(traceback_html(traced(chained)))
    assert folds.summaries == ["… 1 frame in sklearn"]
    assert "direct cause of the following exception" in folds.shown
    assert folds.shown.endswith('RuntimeError: gave up\n  File "not a frame"\n    at all')


def test_a_group_of_exceptions_is_folded_within_its_margins() -> None:
    """Also a group in a group."""

    def grouped() -> None:
        errors = []
        for files in ((MINE, SKLEARN), (MINE, JOBLIB, JSON)):
            try:
                calls(*files)()
            except ValueError as error:
                errors.append(error)
        raise ExceptionGroup("both", [errors[0], ExceptionGroup("inner", [errors[1]])])

    folds = Folds(traceback_html(traced(grouped)))
    assert folds.summaries == ["… 1 frame in sklearn", "… 2 frames in joblib, json"]
    assert "ExceptionGroup: both (2 sub-exceptions)" in folds.shown
    assert folds.shown.count("| ValueError: no") == 2
    assert folds.shown.rstrip().endswith("+------------------------------------")


def test_a_syntax_error_shows_where_it_lies() -> None:
    """The place has no function, so it is no frame, wherever the file is."""
    call = calls(MINE, SKLEARN, last=f"compile('a b', {JOBLIB!r}, 'exec')")
    folds = Folds(traceback_html(traced(call)))
    assert folds.summaries == ["… 1 frame in sklearn"]
    assert f'File "{JOBLIB}", line 1\n    a b\n' in folds.shown
    assert "SyntaxError: invalid syntax" in folds.shown


def test_repeated_frames_are_counted() -> None:
    """Python writes a recursion's frames three times and then only how many more there are."""
    call = calls(MINE, SKLEARN, last="return f0_again(0)")
    names = call.__globals__["inner"].__globals__
    source = (
        "def f0_again(n):\n    if n > 50: raise ValueError('deep')\n    return f0_again(n + 1)\n"
    )
    exec(compile(source, JOBLIB, "exec"), names)
    folds = Folds(traceback_html(traced(call)))
    assert folds.summaries == ["… 53 frames in sklearn, joblib"]
    assert "more times" in folds.folded


def test_a_statement_of_many_lines_is_one_frame() -> None:
    """From Python 3.13 on all of its lines are there, blank ones too."""
    text = (
        "Traceback (most recent call last):\n"
        f'  File "{MINE}", line 1, in f\n    call(\n\n        1,\n    )\n    ~~~~^\n'
        f'  File "{JSON}", line 1, in g\n    call(\n\n        2,\n    )\n    ~~~~^\n'
        "ValueError: no\n\n    of the message\n"
    )
    folds = Folds(traceback_html(text))
    assert folds.summaries == ["… 1 frame in json"]
    assert "call(\n\n        1,\n" in folds.shown
    assert "        2," in folds.folded
    assert folds.shown.endswith("ValueError: no\n\n    of the message")


def test_a_traceback_without_a_frame_of_the_user_is_shown_whole() -> None:
    """Its last frames are all that says where it failed."""
    text = traced(calls(SKLEARN, JSON))
    folds = Folds(traceback_html(text))
    assert (folds.summaries, folds.shown) == ([], text.rstrip())


@pytest.mark.parametrize(
    ("file", "library"),
    [
        (MINE, ""),
        ("<stdin>", ""),
        ("/tmp/ipykernel_12/345.py", ""),
        ("/home/me/lib/model.py", ""),
        ("/home/me/lib/python3.12/mine.py", ""),
        ("/home/me/json/mine.py", ""),
        (SKLEARN, "sklearn"),
        ("/usr/lib/python3/dist-packages/six.py", "six"),
        (JSON, "json"),
        ("/usr/lib64/python3.13/asyncio/base_events.py", "asyncio"),
        ("/opt/py/lib/python3.13t/threading.py", "threading"),
        (r"C:\Python312\Lib\json\decoder.py", "json"),
        (r"C:\Users\a\env\Lib\site-packages\numpy\core.py", "numpy"),
        ("/usr/lib/python312.zip/json/decoder.py", "json"),
        ("<frozen importlib._bootstrap>", "importlib"),
    ],
)
def test_whose_file_it_is(file: str, library: str) -> None:
    """By its path alone: the files are the worker's."""
    assert library_of(file) == library


@given(
    st.lists(
        st.sampled_from(
            [
                "Traceback (most recent call last):\n",
                f'  File "{MINE}", line 1, in f\n',
                f'  File "{SKLEARN}", line 1, in f\n',
                f'  |   File "{JSON}", line 1, in f\n',
                "    code\n",
                "  |     code\n",
                "    ^^^^\n",
                "\n",
                "  | \n",
                "  [Previous line repeated 3 more times]\n",
                "  + Exception Group Traceback (most recent call last):\n",
                "  +-+---------------- 1 ----------------\n",
                "ValueError: <script>\n",
                '  File "',
                "\x1b[31m\x00\r",
            ]
        ),
        max_size=20,
    ).map("".join)
)
def test_every_character_of_a_traceback_is_there(text: str) -> None:
    """In sight or folded, escaped, in its order; in doubt all of it is shown."""
    assert "".join(part.text for part in parts(text)) == text
    html = traceback_html(text)
    assert "<script" not in html
    assert not any(char < " " and char != "\n" for char in html)
    Folds(html)


def test_many_libraries_are_not_all_named() -> None:
    """Three, and how many more."""
    files = [f"/x/site-packages/lib{number}/a.py" for number in range(5)]
    (_, folded, _) = parts(traced(calls(MINE, *files)))
    assert summary(folded) == "… 5 frames in lib0, lib1, lib2 and 2 more"


def test_the_end_of_a_very_long_traceback_is_shown() -> None:
    """From a line's beginning on, and it says so."""
    html = traceback_html(f'  File "{MINE}", line 1, in f\n' * 2000 + "ValueError: no\n")
    assert html.startswith('<pre class="tk-trace">… (its beginning is left out)\n</pre>')
    assert len(html) < MOST_CHARS + 200


def test_an_errors_message_has_no_controls() -> None:
    """Colours of a message are dropped."""
    error = ErrorInfo(type="E", message="\x1b[31mred\x1b[0m <b>", traceback="")
    assert "<b>E</b>: red &lt;b&gt;" in markup.trouble(error)
