"""A ledger as one file, and back: `saving.save`, `restoring.restore`.

The file is a tar archive, compressed, with a checksum of each of its members in the last one.
"""
