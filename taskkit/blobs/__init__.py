"""Large values by the hash of their content: written once, mapped into memory where they are used.

A **blob** is bytes under their own digest. Who holds a digest can tell whether what came is whole,
so that any store may be a cache of another, and an upload may go on where it was cut.

`opening` finds the store that a folder or a URL means, `sharing` the one that a client uses.
"""

from ..protocol.limits import MAX_BLOB_BYTES
from .content import Buffer, Content
from .digest import digest_of, is_digest
from .folder import FolderStore
from .manifest import BlobRef, Manifest, digests_of, is_packed, read_manifest
from .store import BlobInfo, Blobs, BlobStore

__all__ = [
    "MAX_BLOB_BYTES",
    "BlobInfo",
    "BlobRef",
    "BlobStore",
    "Blobs",
    "Buffer",
    "Content",
    "FolderStore",
    "Manifest",
    "digest_of",
    "digests_of",
    "is_digest",
    "is_packed",
    "read_manifest",
]
