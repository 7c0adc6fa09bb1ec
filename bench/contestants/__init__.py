"""taskkit and its neighbours: a module each, set up as its own documentation advises for speed."""

from __future__ import annotations

from importlib import import_module

from .contestant import Contestant

MODULES = {
    "taskkit": "our_taskkit",
    "celery": "plain_celery",
    "dask": "dask_cluster",
    "ray": "local_ray",
    "ipyparallel": "ipython_cluster",
    "pool": "process_pool",
    "loky": "loky_pool",
    "bare": "bare_parts",
}
"""By the name under which they are chosen and shown, in the order of the columns."""

PACKAGES = {
    "taskkit": "taskkit-notebook",
    "celery": "celery",
    "dask": "distributed",
    "ray": "ray",
    "ipyparallel": "ipyparallel",
    "loky": "loky",
}
"""Whose version is shown; the process pool is Python's own."""


def contestant(name: str) -> Contestant:
    """Return the contestant called `name`, not yet started; only now is it imported."""
    module = import_module(f".{MODULES[name]}", __name__)
    made: Contestant = module.ENTRANT()
    return made
