"""Studies: a function over many points, as a table that fills, by name and from one seed."""

from .archive import names
from .opening import opened, swept
from .search import Search, searched
from .study import Study

__all__ = [
    "Search",
    "Study",
    "names",
    "opened",
    "searched",
    "swept",
]
