"""``python -m taskkit_worker.box.inside``: a job's own process, under bubblewrap.

It was started with nothing that is secret, waits for its one job, and ends with it.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys

from taskkit.ledger import Claim, JobRef, Lease
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.wire import options_from_wire

from ..adapted import adapt
from ..catalogue import Catalogue
from ..output import prepare_process
from ..performance import Here
from ..sandbox import enter
from ..surroundings import Surroundings
from .frames import Frame, Says
from .line import Line
from .remote import Remote, RemoteBlobs


def main() -> None:
    """Run one job."""
    parser = argparse.ArgumentParser(prog="taskkit_worker.box.inside")
    parser.add_argument("--line", type=int, required=True)
    parser.add_argument("--tasks", action="append", default=[])
    parser.add_argument("--from", action="append", default=[], dest="folders")
    parser.add_argument("--cpu-s", type=float)
    told = parser.parse_args()
    connected = socket.socket(fileno=told.line)
    connected.set_inheritable(False)
    # Where the worker has found its tasks; in each there is nothing else.
    sys.path += [folder for folder in told.folders if folder not in sys.path]
    catalogue = Catalogue(told.tasks)
    enter(user=None, is_alone=True)
    prepare_process()
    adapt()
    surroundings = Surroundings()
    surroundings.prepare()  # while there is time
    line = Line(connected)
    line.start()
    line.say(Says.READY)
    job = line.job()
    # What was said until here is the pool process's; a job's own words are events.
    _silence()
    remote = Remote(line)
    performer = Here(
        catalogue,
        reports=remote,
        source=remote,
        blobs=RemoteBlobs(line, is_there=job.facts["has_blobs"]),
        # Who interrupts this process has asked before.
        is_over=lambda _lease: True,
        cpu_s=told.cpu_s,
        surroundings=surroundings,
    )
    remote.end(performer.perform(_claim(job)))
    os._exit(0)  # nothing that the job has left behind is waited for


def _claim(job: Frame) -> Claim:
    facts = job.facts
    spec = JobSpec(
        task=facts["task"],
        arguments=facts["arguments"],
        function=facts["function"],
        payload=bytes(job.body),
        python=facts["python"],
        options=options_from_wire(facts["options"]),
        after=tuple(facts["after"]),
    )
    return Claim(lease=Lease(JobRef(facts["owner"], facts["id"]), facts["attempt"]), spec=spec)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for fd in (1, 2):
        os.dup2(nowhere, fd)
    os.close(nowhere)


if __name__ == "__main__":
    main()
