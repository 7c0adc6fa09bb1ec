"""How much is done in a run."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many notebooks, of which each submits so many jobs."""

    notebooks: int
    jobs: int

    @property
    def name(self) -> str:
        """As the tables call it."""
        return f"{self.notebooks:,} notebooks, {self.jobs:,} jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A run."""

    calibrated: Size
    #: The costs are taken from this one.
    foretold: tuple[Size, ...]
    #: And what these cost is predicted from them.
    rounds: int
    #: All of these are done so often, in turns; means count.
    whole: Size
    #: The largest, which is also interrupted.
    steps: tuple[int, ...]
    #: How many jobs wait when memory is looked at.
    users: int
    #: Notebooks are shared out among them.
    drivers: int
    #: Processes in which the notebooks are.
    processes: int
    #: Of each of two servers.
    sockets: int
    #: `server.max_sockets`, of each process.
    crowd: int
    #: So many notebooks are looked at while they are idle: what one more of them costs.
    idle_s: float
    #: How long it is watched what is connected and idle.
    settle_s: float
    #: How long is waited before: feeds of sockets that have left ask for five seconds more.
    batch: int
    #: Jobs a request.
    away_s: float
    #: How long a server that was killed stays away.
    slow: int
    #: Readers that read nothing while `loud` jobs print.
    loud: int
    beats: tuple[int, ...]
    #: How many workers renew leases.
    waits: tuple[int, ...]
    #: Processes of a worker before which jobs queue at random.
    waiting: int
    #: How many jobs do so.
    are_times_judged: bool = True

    def with_jobs(self, jobs: int | None) -> Profile:
        """Return the same with another number of jobs at the largest size."""
        if jobs is None:
            return self
        steps = (*(step for step in self.steps if step < jobs), jobs)
        return replace(self, whole=Size(notebooks=self.whole.notebooks, jobs=jobs), steps=steps)


FULL = Profile(
    calibrated=Size(notebooks=200, jobs=5_000),
    foretold=(
        Size(notebooks=50, jobs=2_000),
        Size(notebooks=400, jobs=8_000),
        Size(notebooks=800, jobs=12_000),
    ),
    rounds=3,
    whole=Size(notebooks=1_000, jobs=100_000),
    steps=(1_000, 10_000, 100_000),
    users=500,
    drivers=2,
    processes=2,
    sockets=320,
    crowd=600,
    idle_s=12.0,
    settle_s=6.0,
    batch=50,
    away_s=10.0,
    slow=20,
    loud=200,
    beats=(1_000, 10_000),
    waits=(1, 2, 4),
    waiting=150,
)

SHORT = Profile(
    calibrated=Size(notebooks=20, jobs=300),
    foretold=(Size(notebooks=30, jobs=500),),
    rounds=1,
    whole=Size(notebooks=50, jobs=1_000),
    steps=(200, 1_000),
    users=25,
    drivers=1,
    processes=2,
    sockets=16,
    crowd=50,
    idle_s=4.0,
    settle_s=0.0,
    batch=20,
    away_s=3.0,
    slow=3,
    loud=60,
    beats=(50,),
    waits=(),
    waiting=0,
    are_times_judged=False,
)
