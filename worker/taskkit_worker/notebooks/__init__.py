"""Notebooks as jobs, on the worker's side.

What a client ships is the name `taskkit_worker.notebooks:run`, so that the worker's own release
runs it, whatever the client's is.
"""

from __future__ import annotations

from .running import run

__all__ = ["run"]
