"""What is kept, unless told otherwise. Apart: a server's master needs neither ledger nor blobs."""

RETENTION_S = 7 * 86_400.0
"""How long a final job, its output and its result are kept."""

MAX_BLOB_BYTES = 16 * 2**30
"""The largest blob that a server takes."""
