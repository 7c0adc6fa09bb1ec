"""What a cell shows: pure functions from records to HTML and text, and a widget around them."""

from .display import show
from .render import batch_html, batch_line, job_html, job_line
from .shown import Shown

__all__ = ["Shown", "batch_html", "batch_line", "job_html", "job_line", "show"]
