"""What an object looks like, in the richest form that a panel shows: as in Jupyter, without it.

Objects say so themselves by ``_repr_mimebundle_``, ``_repr_html_``, ``_repr_png_`` and the like.
Source: IPython's documentation, *Integrating your objects with IPython*, rich display. Those of
matplotlib do not; here as there they are drawn.
"""

from __future__ import annotations

import io
import sys
import traceback
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

MOST_BYTES = 512 * 1024
"""Of one figure. A Jupyter server passes on about 1 MB a second of what a kernel sends."""

MOST_CHARS = 10_000
"""Of plain text."""

WORDS_CHARS = 200

PLAIN = "text/plain"

_METHODS = {
    "text/html": "_repr_html_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "image/gif": "_repr_gif_",
    "image/webp": "_repr_webp_",
    "text/latex": "_repr_latex_",
    "text/markdown": "_repr_markdown_",
}
"""The one that is wanted most first."""

_NO_SUCH_METHOD = "_taskkit_asks_whether_every_name_is_there_"


class Media(NamedTuple):
    """What is shown of an object."""

    media_type: str
    data: bytes
    text: str
    #: What it is, in words.


def media_of(shown: object, most_bytes: int = MOST_BYTES) -> Media:
    """Return what an object looks like in the richest form of at most `most_bytes` bytes.

    A form that raises is passed over, its traceback printed; plain text is always to be had.
    """
    too_large: list[str] = []
    for media_type, data in _forms(shown, most_bytes):
        if len(data) <= most_bytes:
            return Media(media_type, data, _words(shown))
        too_large.append(f"its {media_type} has {_size(len(data))}")
    text = _clip(_repr(shown), MOST_CHARS)
    if too_large:
        most = f"at most {_size(most_bytes)} are shown"
        text = f"{_words(shown)}\n({', '.join(too_large)}; {most})"
    return Media(PLAIN, text.encode(errors="replace"), _words(shown))


def _forms(shown: object, most_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield the forms that a panel can show, each made only when it is asked for."""
    if isinstance(shown, type):
        return  # the methods of a class are for its objects
    if _is_drawn(shown):
        yield from _tried(lambda: [("image/png", _drawn(shown, most_bytes))])
        return
    bundle = dict(_tried(lambda: list(_bundle(shown).items())))
    for media_type, method in _METHODS.items():
        for form in _tried(lambda m=media_type, n=method: [(m, bundle.get(m) or _call(shown, n))]):
            yield from _tried(lambda form=form: _shown(*form))


def _tried(make: Any) -> list[tuple[str, Any]]:
    try:
        return make()  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - the edge around user code: a figure is not worth a job
        traceback.print_exc()
        return []


def _shown(media_type: str, data: Any) -> list[tuple[str, bytes]]:
    """Return a form as bytes; none where there is none, or no panel can show it."""
    if not data:
        return []
    if isinstance(data, str):
        is_binary = media_type.startswith("image/") and media_type != "image/svg+xml"
        data = b64decode(data) if is_binary else data.encode(errors="replace")
    # It would be there, and be empty: a script that a page is given later does not run.
    if media_type == "text/html" and b"<script" in data.lower():
        return []
    return [(media_type, bytes(data))]


def _bundle(shown: object) -> Mapping[str, Any]:
    made = _call(shown, "_repr_mimebundle_")
    found = made[0] if isinstance(made, tuple) else made
    return found or {}


def _call(shown: object, method: str) -> Any:
    """Return what a method returns, without the metadata that may come with it."""
    if hasattr(shown, _NO_SUCH_METHOD):
        return None  # a proxy, or a mock, that says yes to everything
    found = getattr(shown, method, None)
    if not callable(found):
        return None
    made = found()
    is_with_metadata = isinstance(made, tuple) and method != "_repr_mimebundle_"
    return made[0] if is_with_metadata else made


def _is_drawn(shown: object) -> bool:
    # Whoever has made one has imported it.
    module: Any = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(shown, module.Figure)


def _drawn(figure: Any, most_bytes: int) -> bytes:
    """Return a figure of matplotlib's as a PNG, with fewer dots an inch where it would be large."""
    dpi = figure.dpi
    for _ in range(4):
        file = io.BytesIO()
        # Without the library's version, the same picture is the same bytes.
        figure.savefig(
            file, format="png", dpi=dpi, bbox_inches="tight", metadata={"Software": None}
        )
        drawn = file.getvalue()
        if len(drawn) <= most_bytes:
            break
        dpi *= 0.9 * (most_bytes / len(drawn)) ** 0.5
    return drawn


def _words(shown: object) -> str:
    if type(shown).__repr__ is object.__repr__:
        return type(shown).__name__
    return _clip(" ".join(_repr(shown).split()), WORDS_CHARS)


def _repr(shown: object) -> str:
    try:
        return repr(shown)
    except Exception:  # noqa: BLE001 - the edge around user code
        return f"<{type(shown).__name__}>"


def _clip(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.0f} KiB"
