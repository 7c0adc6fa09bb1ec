"""The record of all jobs. Server and worker meet here and nowhere else."""

from .base import (
    Claim,
    JobFilter,
    JobRef,
    Lease,
    Ledger,
    LogPage,
    StoredResult,
    Submission,
    WakeUp,
    Write,
)
from .fitness import examine
from .open import open_ledger

__all__ = [
    "Claim",
    "JobFilter",
    "JobRef",
    "Lease",
    "Ledger",
    "LogPage",
    "StoredResult",
    "Submission",
    "WakeUp",
    "Write",
    "examine",
    "open_ledger",
]
