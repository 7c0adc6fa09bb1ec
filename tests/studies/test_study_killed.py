"""A kernel is killed in the midst of a study; the same cells in a new kernel go on."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from kernels import Kernel, running_kernel
from waiting import wait_until

import taskkit

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

FREE = 3

DEFINE = """
import json, os, pathlib, signal, taskkit
client = taskkit.Client()
folder = pathlib.Path(os.environ["FOLDER"])

def simulate(n, rng):
    '''Leave a line for each time that this is called; from FREE on it is held.'''
    import time
    with (folder / "marks").open("a") as marks:
        marks.write(f"{n}\\n")
    while n >= FREE and not (folder / "gate").exists():
        time.sleep(0.02)
    return {"twice": 2 * n, "noise": rng.normal()}
""".replace("FREE", str(FREE))

SWEEP = "study = client.sweep(simulate, {'n': range(ROWS)}, seed=1, name=os.environ['NAME'])"
FOUND = "study = client.study(os.environ['NAME'])"
WAIT = "print(study.wait(60).frame()[['n', 'seed', 'twice', 'noise']].to_json(orient='values'))"


class Notebook:
    """A folder for the side effects, and kernels that are run one after another."""

    def __init__(self, folder: Path, stack: taskkit.LocalStack) -> None:
        self.folder, self._stack = folder, stack
        self._name = f"study {uuid.uuid4().hex[:12]}"

    def kernel(self, **told: str) -> AbstractContextManager[Kernel]:
        """Run a kernel for it."""
        return running_kernel(
            TASKKIT_URL=self._stack.url,
            TASKKIT_TOKEN=self._stack.token,
            FOLDER=str(self.folder),
            NAME=self._name,
            **told,
        )

    def jobs(self) -> int:
        """Return how many jobs there are of the study, without its record."""
        client = self._stack.client()
        try:
            return len(client.jobs(session=f"study:{self._name}", limit=1000)) - 1
        finally:
            client.close()

    def ran(self) -> list[str]:
        """Return a line for each call so far."""
        marks = self.folder / "marks"
        return marks.read_text().split() if marks.exists() else []


@pytest.fixture
def notebook(tmp_path: Path, stack: taskkit.LocalStack) -> Notebook:
    """A notebook in a folder of its own."""
    return Notebook(tmp_path, stack)


@pytest.mark.parametrize(
    ("rows", "again", "jobs"),
    [(20, SWEEP, 20), (20, FOUND, 20), (150, FOUND, 1), (150, SWEEP, 100)],
    ids=["the same cell", "by name alone", "before chunks gave rows back", "and after"],
)
def test_a_killed_kernels_study_goes_on_and_calls_nothing_twice(
    rows: int, again: str, jobs: int, notebook: Notebook
) -> None:
    """Each row is called once, also of chunks that gave rows back, to others or to nobody yet."""
    with notebook.kernel() as first:
        first.run(DEFINE)
        first.run(SWEEP.replace("ROWS", str(rows)))
        first.begin(WAIT)
        wait_until(lambda: len(notebook.ran()) > FREE and notebook.jobs() >= jobs)
        first.kill()
    assert len(notebook.ran()) < rows
    with notebook.kernel() as second:
        # By the name alone there is no function in this kernel, and no `folder`.
        second.run("# tidied up since\n" + DEFINE if again == SWEEP else DEFINE.split("def ")[0])
        second.run(again.replace("ROWS", str(rows)))
        (notebook.folder / "gate").touch()
        table = json.loads(second.run(WAIT).stdout)
        second.run(FOUND)
        assert json.loads(second.run(WAIT).stdout) == table
    assert [(n, twice) for n, _, twice, _ in table] == [(n, 2 * n) for n in range(rows)]
    assert len({noise for *_, noise in table}) == rows
    assert Counter(notebook.ran()) == Counter(map(str, range(rows)))


SEARCH = """
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
optuna.logging.set_verbosity(optuna.logging.ERROR)
DIE = os.environ.get("DIE", "")

def die(when):
    if when == DIE and len(search_study.trials) > 3:
        os.kill(os.getpid(), signal.SIGKILL)

class Sampler(optuna.samplers.RandomSampler):
    def sample_independent(self, study, trial, name, distribution):
        if name == "y":
            die("within ask")
        return super().sample_independent(study, trial, name, distribution)

class Dying(optuna.Study):
    def ask(self, *args, **kwargs):
        asked = super().ask(*args, **kwargs)
        die("before submit")
        return asked
    def add_trial(self, *args, **kwargs):
        super().add_trial(*args, **kwargs)
        die("before ask")
    def tell(self, *args, **kwargs):
        die("before tell")
        super().tell(*args, **kwargs)
        die("after tell")

def objective(x, y, seed):
    with (folder / "marks").open("a") as marks:
        marks.write(f"{x}\\n")
    return x * x + y

storage = JournalStorage(JournalFileBackend(str(folder / "journal")))
made = optuna.create_study(
    storage=storage, study_name=os.environ["NAME"], sampler=Sampler(seed=int(bool(DIE))),
    load_if_exists=True,
)
made.__class__ = Dying
search_study = made
space = {
    "x": optuna.distributions.FloatDistribution(-1, 1),
    "y": optuna.distributions.IntDistribution(0, 3),
}
search = client.optimize(objective, search_study, space, trials=12, parallel=2)
print(len(search.wait(60).frame()))
"""

STORED = """
print(json.dumps([
    [trial.state.name, trial.params.get("x"), trial.value] for trial in search_study.trials
]))
"""


@pytest.mark.parametrize(
    "when", ["before ask", "within ask", "before submit", "before tell", "after tell"]
)
def test_a_killed_kernels_search_loses_no_trial_and_tells_none_twice(
    when: str, notebook: Notebook
) -> None:
    """Wherever it dies: each trial that has all parameters is called once and told once.

    One that was being asked for has none yet, and is told as failed.
    """
    with notebook.kernel(DIE=when) as first:
        first.run(DEFINE)
        first.begin(SEARCH)
        wait_until(lambda: not first._manager.is_alive())
    with notebook.kernel() as second:
        second.run(DEFINE)
        assert second.run(SEARCH).stdout.strip() == "12"
        stored = json.loads(second.run(STORED).stdout)
    good = [(x, value) for state, x, value in stored if state == "COMPLETE"]
    others = [state for state, *_ in stored if state != "COMPLETE"]
    assert len(good) == 12
    assert others == (["FAIL"] if when == "within ask" else [])
    assert all(value >= x * x for x, value in good)
    assert sorted(notebook.ran()) == sorted(str(x) for x, _ in good)


def test_a_cell_without_a_name_begins_another_study(notebook: Notebook) -> None:
    """What the tests above count would be seen: each row is called once more."""
    unnamed = SWEEP.replace("ROWS", "5").replace(", name=os.environ['NAME']", "")
    (notebook.folder / "gate").touch()
    with notebook.kernel() as kernel:
        kernel.run(DEFINE)
        for _ in range(2):
            kernel.run(unnamed)
            kernel.run(WAIT)
    assert Counter(notebook.ran()) == Counter(2 * [str(n) for n in range(5)])
