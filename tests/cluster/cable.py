"""A long bad cable: frames between two network interfaces come late, and some not at all.

It stands in for ``tc netem``, which many kernels of containers and virtual machines are built
without, and works on packets as that does: TCP on both sides sees the loss and sends again. A
process of its own, ``python -m cluster.cable NEAR FAR DELAY_S LOSS SEED``, NEAR and FAR being the
files of two TAP devices.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import struct
import sys
import time
from collections import deque

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
# Source: Linux, include/uapi/linux/if_tun.h.

FRAME_BYTES = 65_536
MOST_WAITING = 10_000


def open_tap(name: str) -> int:
    """Make a TAP interface of this name; it is there as long as the file that is returned.

    Raises:
        OSError: The rights or the device are missing.
    """
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TAP | _IFF_NO_PI))
    except OSError:
        os.close(file)
        raise
    return file


def carry(ends: tuple[int, int], delay_s: float, loss: float, rng: random.Random) -> None:
    """Carry frames both ways until one end is gone."""
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    waiting: deque[tuple[float, int, bytes]] = deque()  # the delay is the same for all, so in order
    while True:
        rest_s = waiting[0][0] - time.monotonic() if waiting else 1.0
        for end in select.select(ends, [], [], max(0.0, rest_s))[0]:
            for frame in _frames(end):
                if not frame:
                    return
                if rng.random() >= loss and len(waiting) < MOST_WAITING:
                    waiting.append((time.monotonic() + delay_s, other[end], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, end, frame = waiting.popleft()
            try:
                os.write(end, frame)
            except OSError:
                continue  # that end is unplugged or not up yet: as on a cable, it is gone


def _frames(end: int) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(os.read(end, FRAME_BYTES))
            if not found[-1]:
                return found
        except BlockingIOError:
            return found
        except OSError:  # not up yet
            time.sleep(0.01)
            return found


if __name__ == "__main__":
    near, far = map(int, sys.argv[1:3])
    carry((near, far), float(sys.argv[3]), float(sys.argv[4]), random.Random(sys.argv[5]))
