"""The record of all jobs. Server and worker meet here and nowhere else."""

from .base import Ledger
from .copies import Copier, Entry, Facts, Restored, read_entries, write_entry
from .figures import CAUSES, RUN_MS, WAIT_MS, Durations, Figures, Standing, StoreFacts
from .fitness import examine
from .open import agree, open_copier, open_figures, open_ledger, open_tokens, reload_users
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
    "CAUSES",
    "RETENTION_S",
    "RUN_MS",
    "UNLIMITED",
    "WAIT_MS",
    "Claim",
    "Copier",
    "Due",
    "Durations",
    "Entry",
    "Facts",
    "Figures",
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
    "Standing",
    "StoreFacts",
    "StoredResult",
    "Submission",
    "Tokens",
    "WakeUp",
    "Write",
    "agree",
    "examine",
    "open_copier",
    "open_figures",
    "open_ledger",
    "open_tokens",
    "read_entries",
    "reload_users",
    "write_entry",
]
