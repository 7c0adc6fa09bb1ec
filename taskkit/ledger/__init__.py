"""The record of all jobs. Server and worker meet here and nowhere else."""

from .base import Ledger
from .copies import Copier, Entry, Facts, Restored, read_entries, write_entry
from .fitness import examine
from .open import agree, open_copier, open_ledger, open_tokens
from .terms import (
    RETENTION_S,
    UNLIMITED,
    Claim,
    Due,
    JobFilter,
    JobPage,
    JobRef,
    Lease,
    Limits,
    Load,
    LogPage,
    StoredResult,
    Submission,
    WakeUp,
    Write,
)
from .tokens import MemoryTokens, Tokens

__all__ = [
    "RETENTION_S",
    "UNLIMITED",
    "Claim",
    "Copier",
    "Due",
    "Entry",
    "Facts",
    "JobFilter",
    "JobPage",
    "JobRef",
    "Lease",
    "Ledger",
    "Limits",
    "Load",
    "LogPage",
    "MemoryTokens",
    "Restored",
    "StoredResult",
    "Submission",
    "Tokens",
    "WakeUp",
    "Write",
    "agree",
    "examine",
    "open_copier",
    "open_ledger",
    "open_tokens",
    "read_entries",
    "write_entry",
]
