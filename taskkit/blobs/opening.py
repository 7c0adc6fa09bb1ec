"""Which store a place means."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from .cache import CACHE_BYTES, Cache
from .folder import FolderStore
from .store import BlobStore


def open_store(
    place: str | Path,
    *,
    cache: Path | None = None,
    cache_bytes: int = CACHE_BYTES,
    is_durable: bool = True,
) -> BlobStore:
    """Return the store in a folder, or at a URL that fsspec knows.

    cache: the folder for copies of what is read from a URL, of `cache_bytes` at most.
    is_durable: see `FolderStore`.

    Raises:
        ValueError: A URL without a folder for its cache, or one of which fsspec knows no kind.
        ImportError: The kind of URL needs a package that is not installed; it says which.
    """
    folder = _folder(place)
    if folder is not None:
        return FolderStore(folder, is_durable=is_durable)
    if cache is None:
        raise ValueError("blobs at a URL need a folder for their cache")
    from .url import UrlStore

    return UrlStore(str(place), Cache(cache, bound_bytes=cache_bytes))


def owner_place(place: str | Path, owner: str) -> str:
    """Return where, within a place, the blobs of one owner are.

    >>> owner_place("s3://lab/blobs/", "ada"), owner_place("/blobs", "../eve")
    ('s3://lab/blobs/ada', '/blobs/%2E%2E%2Feve')
    """
    return f"{str(place).rstrip('/')}/{quote(owner, safe='').replace('.', '%2E')}"


def _folder(place: str | Path) -> Path | None:
    if isinstance(place, Path) or "://" not in place:
        return Path(place)
    parts = urlsplit(place)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
