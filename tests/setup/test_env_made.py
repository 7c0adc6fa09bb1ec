"""tools/env.sh with real tools: environments are made, of a lock of two small packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_checkout import SmallCheckout, real_python, real_uv
from wheels import write_wheel

CONDA_TOOLS = ["micromamba", "mamba", "conda"]
ALL = "import small, tinylab; print(small.WORDS, tinylab.VERSION)"


@pytest.fixture
def checkout(tmp_path: Path) -> SmallCheckout:
    """A checkout, and a Python on PATH."""
    made = SmallCheckout(tmp_path)
    made.has_real("python3", real_python())
    return made


@pytest.fixture
def with_uv(checkout: SmallCheckout) -> SmallCheckout:
    """A checkout with a real uv, by which most is quickest."""
    checkout.has_real("uv", real_uv())
    return checkout


@pytest.mark.parametrize("tool", CONDA_TOOLS)
def test_each_conda_tool_makes_the_environment(checkout: SmallCheckout, tool: str) -> None:
    """Called by a command that it has, with a file that conda's own kin can read to the end."""
    checkout.has_conda(tool)
    done = checkout.make()
    assert done.returncode == 0, done.stderr
    assert checkout.said_by(ALL) == "the project itself 1.0"
    assert (checkout.env / "conda-meta").is_dir()
    [call] = checkout.conda_calls()
    assert call.startswith("micromamba create" if tool == "micromamba" else f"{tool} env create")
    assert checkout.make().stdout == "env: ./.env is up to date (conda)\n"
    assert checkout.conda_calls() == [call]


@pytest.mark.parametrize("way", ["uv", "venv"])
def test_uv_and_venv_make_the_same(with_uv: SmallCheckout, way: str) -> None:
    """The same packages, and the project; a second run finds it up to date."""
    done = with_uv.make(ENV=way)
    assert done.returncode == 0, done.stderr
    assert with_uv.said_by(ALL) == "the project itself 1.0"
    assert with_uv.make().stdout == f"env: ./.env is up to date ({way})\n"


def test_a_changed_lock_brings_what_is_locked_now(with_uv: SmallCheckout) -> None:
    """And nothing of what was there before."""
    assert with_uv.make().returncode == 0
    left = with_uv.env / "left-over"
    left.touch()
    with_uv.lock("2.0")
    assert with_uv.make().returncode == 0
    assert with_uv.said_by(ALL) == "the project itself 2.0"
    assert not left.exists()


@pytest.mark.parametrize("way", ["conda", "uv"])
def test_a_package_that_is_not_what_was_locked_is_refused(with_uv: SmallCheckout, way: str) -> None:
    """By its hash; and what was made until then is not taken for an environment."""
    with_uv.has_conda("conda")
    with_uv.lock("1.0")
    write_wheel(with_uv.wheels, "tinylab", "1.0", {"tinylab.py": "VERSION = 'not yours'\n"})
    done = with_uv.make(ENV=way)
    assert done.returncode == 1
    assert "hash" in done.stderr.lower()
    with_uv.lock("1.0")
    assert with_uv.make(ENV=way).returncode == 0
    assert with_uv.said_by(ALL) == "the project itself 1.0"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_conda_tool_that_fails_is_healed_by_the_next_run(
    checkout: SmallCheckout, when: str
) -> None:
    """Though it has left an environment that looks whole; its own exit code is told."""
    broken = 'mkdir -p .env/bin; echo "no space left on device" >&2; exit 28'
    checkout.has_conda("mamba", **{when: broken})
    done = checkout.make()
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert "no space left on device" in told
    assert told[-1].startswith("env: mamba could not make ./.env (it ended with 28)")
    assert checkout.env.is_dir()
    checkout.has_conda("mamba")
    assert "making ./.env with mamba" in checkout.make().stdout
    assert checkout.said_by(ALL) == "the project itself 1.0"


@pytest.mark.parametrize("way", ["conda", "uv"])
def test_without_a_network_it_says_what_could_not_be_had(with_uv: SmallCheckout, way: str) -> None:
    """In words of its own behind the tool's, with what to do."""
    with_uv.has_conda("conda")
    # Nobody listens at this port.
    nowhere = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}
    nowhere |= {
        "UV_OFFLINE": "0",
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/",
        "UV_HTTP_RETRIES": "0",
    }
    wheels = with_uv.variables()["PIP_FIND_LINKS"]
    for wheel in Path(wheels).glob("*.whl"):
        wheel.rename(wheel.with_suffix(".away"))
    done = with_uv.make(ENV=way, **nowhere)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("env: ")
    assert "is the network" in last
    assert "make env" in last
    assert not (with_uv.env / "locked").exists()


def test_an_interrupted_run_is_taken_up_by_the_next(checkout: SmallCheckout) -> None:
    """Ctrl-C in the midst of a tool's work leaves nothing that counts as ready."""
    begun = checkout.folder / "begun"
    # A tool that has made everything, and then goes on with something.
    checkout.has_conda("conda", after=f': >"{begun}"; cat "{checkout.folder}/never"')
    os.mkfifo(checkout.folder / "never")
    assert checkout.interrupt(begun) != 0
    assert not (checkout.env / "locked").exists()
    checkout.has_conda("conda")
    assert "making ./.env with conda" in checkout.make().stdout
    assert checkout.said_by(ALL) == "the project itself 1.0"


def test_what_was_interrupted_while_the_old_one_went_is_no_environment(
    with_uv: SmallCheckout,
) -> None:
    """What is left of it, perhaps all but a few files, is not taken for what it was."""
    assert with_uv.make(ENV="uv").returncode == 0
    begun = with_uv.folder / "begun"
    os.mkfifo(with_uv.folder / "never")
    # An `rm` that takes its time over the environment, after some other files.
    script = f'case "$*" in *.env) : >"{begun}"; cat "{with_uv.folder}/never" ;; esac\n'
    with_uv.put("rm", f'#!/bin/sh\n{script}exec /bin/rm "$@"\n')
    assert with_uv.interrupt(begun, ENV="venv") != 0
    (with_uv.env / "lib").rename(with_uv.folder / "gone")
    (with_uv.env / "lib").mkdir()
    with_uv.has_real("rm", "/bin/rm")
    assert "making ./.env with uv" in with_uv.make().stdout
    assert with_uv.said_by(ALL) == "the project itself 1.0"


def test_python_is_taken_from_a_path_with_spaces(with_uv: SmallCheckout) -> None:
    """PYTHON= is a path, and there is a conda tool, which would bring a Python of its own."""
    with_uv.has_conda("conda")
    (with_uv.folder / "my pythons").mkdir()
    mine = with_uv.folder / "my pythons" / "python3"
    mine.symlink_to(real_python())
    (with_uv.bin / "python3").unlink()
    done = with_uv.make(PYTHON=str(mine))
    assert done.returncode == 0, done.stderr
    assert f"with uv on {mine}" in done.stdout
    assert with_uv.said_by(ALL) == "the project itself 1.0"
    assert with_uv.conda_calls() == []


def test_a_python_for_conda_is_refused(checkout: SmallCheckout) -> None:
    """It would be passed over without a word."""
    checkout.has_conda("conda")
    done = checkout.make(ENV="conda", PYTHON="python3")
    assert done.returncode == 1
    assert done.stderr == (
        "env: PYTHON= is for ENV=uv and ENV=venv: conda brings its own Python, as environment.yml"
        " says; leave one of the two out\n"
    )
    assert checkout.conda_calls() == []
