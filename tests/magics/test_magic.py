"""The magics in a real kernel, on a real stack."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kernels import Kernel, Message

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


def gated(text: str, gate: Path) -> str:
    """Return a body that does this when a file is there."""
    return (
        f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)\n"
        f"{text}"
    )


def until_done(kernel: Kernel, job: str = "job") -> None:
    """Wait in the kernel until a job has ended, and what follows from that is done."""
    kernel.run(
        f"import time\n{job}.wait_final(60)\n"
        "_awaited = get_ipython().magics_manager.registry['JobMagics']._awaited\n"
        "while _awaited: time.sleep(0.01)"
    )


def test_names_are_bound_when_the_job_has_succeeded(kernel: Kernel, tmp_path: Path) -> None:
    """Not before; what another cell has assigned meanwhile is replaced."""
    gate = tmp_path / "gate"
    kernel.run("x, y = 1, 'old'")
    kernel.run(f"%%job --into job\n{gated('y = x + 1', gate)}")
    assert kernel.run("print(y, job.done())").printed == "old False\n"
    kernel.run("y = 'newer'")
    gate.touch()
    until_done(kernel)
    assert kernel.run("print(x, y)").printed == "1 2\n"


def test_who_has_the_result_has_the_names(kernel: Kernel) -> None:
    """In the same breath; and once: what is assigned after that stays."""
    kernel.run("%%job --into job\nx = list(range(300_000))")
    assert kernel.run("job.result(); print(len(x))").printed == "300000\n"
    until_done(kernel)
    assert kernel.run("x = 1; job.result(); print(x)").printed == "1\n"


def test_a_job_that_fails_binds_nothing(kernel: Kernel) -> None:
    """Not even what it had assigned before."""
    kernel.run("y = 'old'")
    kernel.run("%%job --into job\ny = 'new'\n1 / 0")
    until_done(kernel)
    assert kernel.run("print(y)").printed == "old\n"


def test_the_panel_is_shown_and_below_it_the_value_in_the_cell_s_own_output(
    kernel: Kernel, tmp_path: Path
) -> None:
    """Also when it comes while another cell runs, or none."""
    gate = tmp_path / "gate"
    shown = kernel.run(f"%%job -i job\n{gated('[6 * 7]', gate)}")
    displays = [m["content"] for m in shown if m["msg_type"] == "display_data"]
    assert len(displays) == 2
    assert "Cell In[" in displays[0]["data"]["text/plain"]
    assert displays[1]["data"]["text/plain"] == ""
    place = displays[1]["transient"]["display_id"]
    gate.touch()
    came = kernel.until(lambda m: m["content"].get("transient", {}).get("display_id") == place)
    assert came["msg_type"] == "update_display_data"
    assert came["content"]["data"]["text/plain"] == "[42]"
    until_done(kernel)


def test_with_wait_the_value_is_the_cell_s_own(kernel: Kernel) -> None:
    """As the last expression of any cell."""
    assert kernel.run("%%job --wait\nx = 20\nx + 1").value == "21"
    assert kernel.run("print(_ + x)").printed == "41\n"
    assert kernel.run("%%job --wait\nx + 1;").value == ""


def test_an_error_shows_the_cell_s_line(kernel: Kernel) -> None:
    """In the panel's job, and with ``--wait`` below the cell, where nothing else is shown."""
    told = kernel.try_to_run("%%job --wait\nx = 1\n\ndef f():\n    return x / 0\n\nf()").error
    assert re.search(r'File "Cell In\[\d+\]", line 7, in <module>\n    f\(\)\n', told)
    assert re.search(r'File "Cell In\[\d+\]", line 5, in f\n    return x / 0\n', told)
    assert told.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "run_cell_magic" not in told
    kernel.run("%%job --into job\n1 / 0")
    until_done(kernel)
    assert (
        "line 2, in <module>\n    1 / 0\n"
        in kernel.run("print(job.record.error.traceback)").printed
    )


def test_the_number_in_a_traceback_is_the_cell_s(kernel: Kernel) -> None:
    """The one that the notebook shows beside it."""
    ran = kernel.run("%%job --into job\n1 / 0")
    (number,) = (m["content"].get("execution_count") for m in ran if is_input(m))
    until_done(kernel)
    assert f'File "Cell In[{number}]"' in kernel.run("print(job.record.error.traceback)").printed
    assert kernel.run("print(job.title)").printed == f"Cell In[{number}]\n"


def is_input(message: Message) -> bool:
    """Return whether a message says which cell is being run."""
    return bool(message["msg_type"] == "execute_input")


def test_a_syntax_error_is_raised_at_once(kernel: Kernel) -> None:
    """Nothing is submitted."""
    before = kernel.run("%jobs").value
    ran = kernel.try_to_run("%%job\nx = 1\ny = (2")
    assert "SyntaxError: '(' was never closed" in ran.error
    assert re.search(r"Cell In\[\d+\]:3\n", ran.error)
    assert "body_of" not in ran.error
    assert ran.shown == ""
    assert kernel.run("%jobs").value == before


def test_an_unpicklable_name_is_refused_by_its_name(kernel: Kernel) -> None:
    """One that the cell does not read is none of its business."""
    kernel.run("import threading; lock = threading.Lock()")
    error = kernel.try_to_run("%%job\nx = lock").error
    assert error.startswith("CannotTravel: the global 'lock' cannot be sent to a worker")
    assert "Make it in the cell instead" in error
    assert kernel.run("%%job --wait\nlock = 1\nlock + 1").value == "2"


def test_a_name_that_is_not_defined_is_told_usefully(kernel: Kernel) -> None:
    """The worker's error, with what the notebook knows of it."""
    error = kernel.try_to_run("%%job -w\nx = nowhere + 1").error
    assert "NameError: name 'nowhere' is not defined\nThe notebook had no 'nowhere'" in error


def test_what_is_for_ipython_is_refused(kernel: Kernel) -> None:
    """With its line."""
    error = kernel.try_to_run("%%job\nx = 1\n!ls").error
    assert error.startswith("CannotTravel: line 3 of the cell, '!ls', is for IPython")


def test_out_limits_what_is_bound(kernel: Kernel) -> None:
    """A function that is asked for keeps what it needs."""
    kernel.run("base = 1")
    kernel.run(
        "%%job -w --out f,n\nk = 2\ndef g(x): return x * k\ndef f(x): return g(x) + base\nn = 3"
    )
    assert kernel.run("print(f(10), n, 'g' in globals(), 'k' in globals())").printed == (
        "21 3 False False\n"
    )
    wrong = kernel.try_to_run("%%job --out modle\nmodel = 1")
    assert "UsageError: --out asks for 'modle'" in wrong.printed


def test_functions_and_classes_are_bound_back_at_home(kernel: Kernel) -> None:
    """They see the notebook's names and what becomes of them, like those of any cell."""
    kernel.run("offset = 1\ndef helper(x): return x + offset")
    kernel.run(
        "%%job -w\nscale = 3\ndef f(x):\n    return helper(x) * scale\n"
        "class Model:\n    def predict(self, x): return f(x)\nmodel = Model()\n"
    )
    assert kernel.run("print(f(1), model.predict(1), isinstance(model, Model))").printed == (
        "6 6 True\n"
    )
    kernel.run("scale = offset = 10")
    assert kernel.run("print(f(1), model.predict(1))").printed == "110 110\n"
    assert "return helper(x) * scale" in kernel.try_to_run("scale = None\nf(1)").error
    assert kernel.run("import inspect; print(inspect.getsource(f))").printed.startswith("def f(x):")


def test_modules_arrays_and_built_ins(kernel: Kernel, tmp_path: Path) -> None:
    """What cells of notebooks hold: an import, an item of an array, `open`."""
    kernel.run("import os.path\nimport numpy as np\na = np.zeros(100_000)")
    kernel.run(
        f"%%job -w\nfrom math import pi as p\na[0] = p\n"
        f"with open(os.path.join({str(tmp_path)!r}, 'f'), 'w') as file: file.write('x')\n"
    )
    assert kernel.run("print(round(a[0], 2), p == a[0], 'file' in globals())").printed == (
        "3.14 True False\n"
    )
    assert (tmp_path / "f").read_text() == "x"


def test_what_cannot_come_back_is_said_in_the_panel(kernel: Kernel) -> None:
    """The rest is bound."""
    kernel.run("%%job -i job\nimport threading\nlock = threading.Lock()\nx = 1")
    until_done(kernel)
    assert kernel.run("print(job.record.result.preview)").printed == (
        "binds threading, lock, x; left behind: lock\n"
    )
    assert kernel.run("print(x, 'lock' in globals(), *job.result().left_behind)").printed == (
        "1 False lock\n"
    )


def test_a_job_among_the_names_stands_for_its_result(kernel: Kernel) -> None:
    """The cell's job waits for it."""
    kernel.run("import taskkit\nclient = taskkit.Client()\nbefore = client.submit(pow, 2, 5)")
    assert kernel.run("%%job -w\nbefore + 1").value == "33"


def test_the_options_are_the_client_s(kernel: Kernel) -> None:
    """A name for the panel, and a time limit."""
    kernel.run("%%job -i job -n 'my fit' -r 1 --retry-on OSError -t 60\npass")
    told = kernel.run("print(job.title, job.record.options.said())").printed
    assert told.startswith("my fit {'name': 'my fit', ")
    assert "'retries': 1, 'retry_on': ('OSError',), 'timeout_s': 60.0" in told
    assert (
        "UsageError: retries is within 0 to 1000" in kernel.try_to_run("%%job -r -1\npass").printed
    )


def test_a_key_finds_the_job_again(kernel: Kernel) -> None:
    """The same cell binds the same names, and runs no second time; comments aside."""
    kernel.run("import uuid; key = uuid.uuid4().hex")
    kernel.run("%%job -w --key {key}\nimport uuid\nx = uuid.uuid4().hex")
    kernel.run("first, x = x, None")
    kernel.run("%%job -w --key {key}\n# again\nimport uuid\nx = uuid.uuid4().hex")
    assert kernel.run("print(x == first)").printed == "True\n"
    assert kernel.try_to_run("%%job -w --key {key}\nx = 2").error.startswith("KeyReused: ")


def test_another_kernel_reads_the_result(kernel: Kernel) -> None:
    """By the job's id, without the extension."""
    kernel.run("import taskkit\nclient = taskkit.Client()")
    kernel.run("%%job -i job\nx = 20\nx + 1")
    until_done(kernel)
    again = "again = client.job(job.id).result()\n"
    assert kernel.run(f"{again}print(again.value, again.names)").printed == "21 {'x': 20}\n"
    assert kernel.run(f"{again}again").value == "21"


def test_which_client_is_taken(kernel: Kernel) -> None:
    """The one that has a name, or one of several by its name, or else one that is made once."""
    one = "print(job._service is CLIENT._link)"
    own = "get_ipython().magics_manager.registry['JobMagics']._own"
    kernel.run("%%job -w -i job\npass")
    assert kernel.run(one.replace("CLIENT", own)).printed == "True\n"
    kernel.run("import taskkit\na = same = taskkit.Client()")
    kernel.run("a.options(name='one that was only shown')")
    kernel.run("%%job -w -i job\npass")
    assert kernel.run(one.replace("CLIENT", "a")).printed == "True\n"
    kernel.run("b = taskkit.Client()")
    kernel.run("%%job -w -i job -c b\npass")
    assert kernel.run(one.replace("CLIENT", "b")).printed == "True\n"
    kernel.run("%%job -w -i job\npass")
    assert kernel.run(one.replace("CLIENT", own)).printed == "True\n"
    assert "--client: 'c' is no client" in kernel.try_to_run("%%job -c c\npass").printed


def test_a_wait_that_is_interrupted_leaves_the_job_and_binds_its_names(
    kernel: Kernel, tmp_path: Path
) -> None:
    """Later, when they come."""
    gate, begun = tmp_path / "gate", tmp_path / "begun"
    body = f"open({str(begun)!r}, 'w').close()\n" + gated("x = 5", gate)
    interrupt = (
        "import os, signal, threading, pathlib, time\n"
        "def interrupt():\n"
        f"    while not pathlib.Path({str(begun)!r}).exists(): time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt).start()"
    )
    kernel.run(interrupt)
    assert "KeyboardInterrupt" in kernel.try_to_run(f"%%job -w -i job\n{body}").error
    assert kernel.run("print(job.done(), 'x' in globals())").printed == "False False\n"
    gate.touch()
    until_done(kernel)
    assert kernel.run("print(x)").printed == "5\n"


def test_a_name_that_cannot_be_loaded_is_told_below_the_panel(kernel: Kernel) -> None:
    """The panel says that the job has succeeded, and it has."""
    kernel.run(
        "%%job -i job\nclass Odd:\n    def __reduce__(self): return int, ('x',)\nodd = Odd()"
    )
    came = kernel.until(
        lambda m: "could not be bound" in m["content"].get("data", {}).get("text/plain", "")
    )
    assert "ValueError: invalid literal for int()" in came["content"]["data"]["text/plain"]
    assert "Odd" not in kernel.run("print(*globals())").printed.split()


def test_jobs_are_listed(kernel: Kernel) -> None:
    """The newest first, and by name or state."""
    kernel.run("%%job -w -n listed\npass")
    kernel.try_to_run("%%job -w -n listed\n1 / 0")
    rows = kernel.run("%jobs listed").value.splitlines()
    assert rows[0].split() == ["job", "state", "submitted", "took", "id"]
    assert [row.split()[1] for row in rows[1:3]] == ["failed", "succeeded"]
    assert len(kernel.run("%jobs -n 1").value.splitlines()) == 2
    assert "failed" not in kernel.run("%jobs listed --state succeeded").value
    assert "UsageError: state: 'lost'" in kernel.try_to_run("%jobs -s lost").printed


def test_display_shows_in_the_panel(kernel: Kernel) -> None:
    """As it would below a cell."""
    kernel.run("%%job --into job\nfor n in range(3): display(n, display_id='n')")
    until_done(kernel)
    assert kernel.run("print([f.data for f in job.figures()])").printed == "[b'2']\n"


def test_unloading_takes_the_magics_away(kernel: Kernel) -> None:
    """And closes the client that was made for them."""
    kernel.run("%%job -w\npass")
    kernel.run("own = get_ipython().magics_manager.registry['JobMagics']._own")
    kernel.run("%unload_ext taskkit")
    assert "`%%job` not found" in kernel.try_to_run("%%job\npass").printed
    assert kernel.run("print(own._link._is_closed.is_set())").printed == "True\n"


def test_the_magics_describe_themselves(kernel: Kernel) -> None:
    """Rule and flags are where a user asks for them."""
    kernel.run("magics = get_ipython().magics_manager.magics")
    told = kernel.run("print(magics['cell']['job'].__doc__)").printed
    assert "the names are bound when the job has succeeded" in " ".join(told.lower().split())
    assert "--retry-on" in told


def test_tasks_complete_and_describe_themselves(kernel: Kernel) -> None:
    """With the completer of the kernel, as it is set by default."""
    kernel.run("import taskkit\nclient = taskkit.Client()")

    def completed(code: str) -> list[str]:
        answer = kernel.client.complete(code, len(code), reply=True, timeout=30)
        return list(answer["content"]["matches"])

    assert any(match.endswith("ising") for match in completed("client.task.is"))
    assert "temperature=" in completed("client.task.ising(temp")
    told = kernel.client.inspect("client.task.ising", 17, reply=True, timeout=30)["content"]
    text = told["data"]["text/plain"]
    assert "temperature" in text
    assert "Simulate the 2-D Ising model" in text
    small = "client.task.ising(size=8, sweeps=100).result()['energy'] < 0"
    assert kernel.run(f"print({small})").printed == "True\n"
    error = kernel.try_to_run("client.task.isin").error
    assert "AttributeError: no worker knows a task 'isin'; did you mean 'ising'" in error
