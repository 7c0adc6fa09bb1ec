"""Formulas as MathML, which browsers draw by themselves: no script, nothing from a network."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

_BARE = re.compile(r"(\\[td]?frac)(\d)(\d)")


def mathml(tex: str, *, is_block: bool) -> str:
    """Return LaTeX as MathML.

    >>> mathml(r"\\frac12", is_block=False) == mathml(r"\\frac{1}{2}", is_block=False)
    True

    Raises:
        MathError: It has what docutils does not know.
    """
    # docutils takes bare digits behind a command for one number; TeX takes one for each place.
    return str(tex2mathml(_BARE.sub(r"\1{\2}{\3}", tex), as_block=is_block))


def inline(writer: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node.astext(), is_block=False))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> None:
    """Write a formula that stands for itself."""
    writer.body.append(f'<div class="math">{mathml(node.astext(), is_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer that conf.py names."""
    app.add_html_math_renderer(
        "mathml", inline_renderers=(inline, None), block_renderers=(block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
