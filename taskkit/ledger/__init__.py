"""The record of all jobs. Server and worker meet here and nowhere else."""

from .base import Claim, JobRef, Lease, Ledger, LogPage, StoredResult, Submission, WakeUp, Write
from .open import open_ledger

__all__ = [
    "Claim",
    "JobRef",
    "Lease",
    "Ledger",
    "LogPage",
    "StoredResult",
    "Submission",
    "WakeUp",
    "Write",
    "open_ledger",
]
