"""The record of all jobs. Server and worker meet here and nowhere else."""

from .base import Ledger
from .fitness import examine
from .open import open_ledger, open_tokens
from .terms import (
    UNLIMITED,
    Claim,
    Due,
    JobFilter,
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
    "UNLIMITED",
    "Claim",
    "Due",
    "JobFilter",
    "JobRef",
    "Lease",
    "Ledger",
    "Limits",
    "Load",
    "LogPage",
    "MemoryTokens",
    "StoredResult",
    "Submission",
    "Tokens",
    "WakeUp",
    "Write",
    "examine",
    "open_ledger",
    "open_tokens",
]
