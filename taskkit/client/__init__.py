"""The notebook's side: `Client` submits, `Job` and `Batch` are what comes back."""

from .batch import Batch
from .client import Client
from .job import Job
from .waiting import as_completed, wait

__all__ = ["Batch", "Client", "Job", "as_completed", "wait"]
