"""An object is shown in its richest form that a panel can show, and always in some."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any
from unittest.mock import MagicMock

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from taskkit.inside.media import MOST_BYTES, MOST_CHARS, media_of

PNG = b"\x89PNG\r\n\x1a\n"


class Rich:
    """Has the forms that it is given."""

    def __init__(self, **forms: Any) -> None:
        for name, value in forms.items():
            setattr(self, f"_repr_{name}_", lambda value=value: value)

    def __repr__(self) -> str:
        return "<Rich>"


class Bundle:
    """Has a mime bundle, with metadata as Jupyter allows."""

    def __init__(self, bundle: Any) -> None:
        self._made = bundle

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self._made


@pytest.mark.parametrize(
    ("shown", "media_type", "data"),
    [
        (Rich(html="<b>1</b>", png=PNG), "text/html", b"<b>1</b>"),
        (Rich(png=PNG, jpeg=b"J"), "image/png", PNG),
        (Rich(png=(PNG, {"width": 3})), "image/png", PNG),
        (Rich(svg="<svg/>", png=PNG), "image/svg+xml", b"<svg/>"),
        (Rich(latex="$x$"), "text/latex", b"$x$"),
        (Rich(html=None, markdown="*a*"), "text/markdown", b"*a*"),
        (Bundle({"image/png": b64encode(PNG).decode(), "text/plain": "x"}), "image/png", PNG),
        (Bundle(({"image/jpeg": b"J"}, {"image/jpeg": {"width": 3}})), "image/jpeg", b"J"),
        (Bundle(None), "text/plain", None),
        (Rich(html='<div></div><SCRIPT src="x"></SCRIPT>', png=PNG), "image/png", PNG),
        (Rich(html="<script>x</script>"), "text/plain", b"<Rich>"),
        ("text", "text/plain", b"'text'"),
        (Rich, "text/plain", None),
        (MagicMock(), "text/plain", None),
        ("\udcff", "text/plain", None),
    ],
)
def test_the_richest_form_is_taken(shown: object, media_type: str, data: bytes | None) -> None:
    """Of those that a panel can show: what needs a script to be seen is none."""
    media = media_of(shown)
    assert media.media_type == media_type
    if data is not None:
        assert media.data == data


def test_a_form_that_raises_is_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    """What went wrong is among the job's output; the job goes on."""

    class Wrong:
        def _repr_html_(self) -> str:
            raise RuntimeError("no table today")

        def _repr_png_(self) -> bytes:
            return PNG

        def __repr__(self) -> str:
            raise ValueError("no words either")

    assert media_of(Wrong()) == ("image/png", PNG, "<Wrong>")
    assert "RuntimeError: no table today" in capsys.readouterr().err


def test_a_bundle_that_is_none_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a method returns."""
    for strange in (7, "text", {"image/png": 7}, {"text/html": ["a"]}, {"image/png": "not base64"}):
        assert media_of(Bundle(strange)).media_type in ("text/plain", "image/png")
    assert "Error" in capsys.readouterr().err


def test_what_is_too_large_makes_room_for_a_smaller_form() -> None:
    """And where none is small enough, words say how large they are."""
    large = b"p" * (MOST_BYTES + 1)
    assert media_of(Rich(png=large, jpeg=b"J")).media_type == "image/jpeg"
    media = media_of(Rich(png=large * 3))
    assert media.media_type == "text/plain"
    assert media.data == b"<Rich>\n(its image/png has 1.5 MiB; at most 512 KiB are shown)"


def test_long_text_is_clipped() -> None:
    """Megabytes of digits show nothing."""
    media = media_of(list(range(100_000)))
    assert len(media.data.decode()) == MOST_CHARS
    assert media.data.startswith(b"[0, 1, 2, ")


def test_a_figure_of_matplotlibs_is_drawn() -> None:
    """The same picture is the same bytes; a large one is drawn with fewer dots."""
    figure = Figure()
    figure.subplots().plot([1, 3, 2])
    media = media_of(figure)
    assert media.media_type == "image/png"
    assert media.text == "<Figure size 640x480 with 1 Axes>"
    assert media_of(figure).data == media.data
    assert Image.open(io.BytesIO(media.data)).width > 300
    noise = np.random.default_rng(1).random((2000, 2000))
    figure = Figure(figsize=(20, 20), dpi=100)
    figure.subplots().imshow(noise, interpolation="nearest")
    media = media_of(figure)
    assert len(media.data) <= MOST_BYTES
    assert Image.open(io.BytesIO(media.data)).width > 300


def test_what_cannot_be_drawn_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """A label that is no formula, found only when it is drawn."""
    figure = Figure()
    figure.subplots().set_title(r"$\no_such_command{$")
    with matplotlib.rc_context({"text.usetex": False}):
        media = media_of(figure)
    assert (media.media_type, media.data) == ("text/plain", b"<Figure size 640x480 with 1 Axes>")
    assert "Traceback" in capsys.readouterr().err


def test_frames_and_images_are_shown_as_jupyter_shows_them() -> None:
    """By their own methods."""
    frame = pd.DataFrame({"a": [1, 2]})
    assert media_of(frame).data.decode() == frame._repr_html_()  # type: ignore[operator]
    image = Image.new("RGB", (4, 3), "red")
    media = media_of(image)
    assert (media.media_type, Image.open(io.BytesIO(media.data)).size) == ("image/png", (4, 3))
    assert "RGB" in media.text
