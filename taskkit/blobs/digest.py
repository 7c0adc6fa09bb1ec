"""What a blob is called: the BLAKE3 of its bytes.

Source: O'Connor et al., *BLAKE3: one function, fast everywhere*, 2021. Measured where SHA-256 has
its own instructions: 1.8 GB/s for that, 6.5 GB/s for BLAKE3 with one thread.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from blake3 import blake3

from .content import Buffer, flat

HEX_CHARS = 64
"""256 bits in hexadecimal."""

THREADED_BYTES = 64 * 2**20
"""Below this, starting threads costs more than they bring."""

_MOST_THREADS = 4
_DIGEST = re.compile(rf"[0-9a-f]{{{HEX_CHARS}}}")


def is_digest(text: object) -> bool:
    """Return whether `text` is a digest in the one way it is written.

    >>> is_digest("ab" * 32), is_digest("AB" * 32), is_digest("../etc")
    (True, False, False)
    """
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def digest_of(content: Buffer) -> str:
    """Return the digest of contiguous bytes.

    >>> digest_of(b"")[:16]
    'af1349b9f5f9a1a6'
    """
    view = flat(content)
    return hasher(view.nbytes).update(view).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the digest of what a file holds.

    Raises:
        OSError: It cannot be read.
    """
    return hasher(path.stat().st_size).update_mmap(path).hexdigest()


def hasher(size_bytes: int) -> blake3:
    """Return what takes about `size_bytes`, in pieces or at once."""
    # Half the cores at most: with both of two, 256 MB took half as long again (memory is shared).
    threads = min(_MOST_THREADS, (os.cpu_count() or 1) // 2)
    return blake3(max_threads=max(1, threads) if size_bytes >= THREADED_BYTES else 1)
