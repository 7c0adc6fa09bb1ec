"""What a worker has for its boxes: how they are made, the folder of theirs, and that they work."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from taskkit.ledger import Ledger
from taskkit.protocol.errors import Misconfigured

from ..owns_blobs import OwnsBlobs
from ..performance import Inquiry
from ..settings import Settings
from .box import Box, BoxError
from .boxed import Boxed
from .bubble import Bubble, parted, why_none
from .frames import GarbledError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Made by a worker's main process; its pool processes inherit it."""

    bubble: Bubble
    folder: Path
    #: In it each box has its own.
    user: str | None

    def performer(self, ledger: Ledger, blobs: OwnsBlobs) -> Boxed:
        """Return what performs the jobs of a pool process."""
        return Boxed(
            self.bubble,
            self.folder,
            user=self.user,
            reports=ledger,
            source=ledger,
            blobs=blobs,
            is_over=Inquiry(ledger).is_over,
        )

    def close(self) -> None:
        """Remove what is left of them."""
        shutil.rmtree(self.folder, ignore_errors=True)


def open_boxes(settings: Settings, hidden: Iterable[Path]) -> Boxes:
    """Return what a worker has that was told `box`, tried once.

    hidden: files that are in no box.

    Raises:
        Misconfigured: It cannot be had here; the words say what to do.
    """
    if why := why_none():
        raise Misconfigured(f"the sandbox cannot be had: {why}")
    for path in settings.sandbox_paths:
        place = Path(parted(path)[0])
        if not place.is_absolute() or not place.exists():
            raise Misconfigured(f"the sandbox cannot be had: --sandbox-path {path}: is not there")
    bubble = Bubble(
        tasks=settings.tasks,
        paths=settings.sandbox_paths,
        has_network=settings.sandbox_network,
        cpu_s=settings.sandbox_cpu_s,
        hidden=tuple(path.absolute() for path in hidden),
    )
    folder = Path(tempfile.mkdtemp(prefix="taskkit-boxes-"))
    # Whom jobs run as goes through it, and finds no names in it.
    folder.chmod(0o711)
    if os.geteuid() == 0 and settings.sandbox_user is None:
        logger.warning(
            "jobs in boxes have root's number, which what listens on this machine may trust: give "
            "--sandbox-user"
        )
    boxes = Boxes(bubble, folder, settings.sandbox_user)
    try:
        box = Box(bubble, folder, user=settings.sandbox_user)
        try:
            box.await_ready()
        finally:
            box.end()
    except (OSError, BoxError, GarbledError) as error:
        boxes.close()
        raise Misconfigured(
            f"the sandbox cannot be had: a trial of bubblewrap ended with {error}; user namespaces "
            "may be off here (docs/security.md says what they need)"
        ) from None
    return boxes
