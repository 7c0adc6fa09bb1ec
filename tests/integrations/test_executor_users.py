"""Libraries that take an executor, a pool or a `map` take a client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import taskkit

np = pytest.importorskip("numpy")

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


def rosenbrock(x: Any) -> float:
    """Return the value of the banana-shaped valley, whose lowest point is 0 at (1, 1, …)."""
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def test_scipy_evolves_as_in_one_process(client: taskkit.Client) -> None:
    """`workers=client.map`; the same points, the same lowest one."""
    optimize = pytest.importorskip("scipy.optimize")
    options: dict[str, Any] = {"rng": 0, "maxiter": 5, "popsize": 5, "updating": "deferred"}
    bounds = [(-2.0, 2.0)] * 3
    serial = optimize.differential_evolution(rosenbrock, bounds, **options)
    found = optimize.differential_evolution(rosenbrock, bounds, workers=client.map, **options)
    assert (found.x.tolist(), found.nfev) == (serial.x.tolist(), serial.nfev)


def test_scipy_searches_a_grid_as_in_one_process(client: taskkit.Client) -> None:
    """`brute`, without the polishing at its end."""
    optimize = pytest.importorskip("scipy.optimize")
    grid = (slice(-1, 1.5, 0.5),) * 2
    found = optimize.brute(rosenbrock, grid, finish=None, workers=client.map)
    assert found.tolist() == optimize.brute(rosenbrock, grid, finish=None).tolist() == [1, 1]


def gaussian(x: Any, ivar: Any) -> float:
    """Return the logarithm of a density."""
    return -0.5 * float(np.sum(ivar * x**2))


def chain(pool: Any) -> Any:
    """Return where 16 walkers went in five steps."""
    emcee = pytest.importorskip("emcee")
    start = np.random.default_rng(0).normal(size=(16, 3))
    sampler = emcee.EnsembleSampler(16, 3, gaussian, args=[np.ones(3)], pool=pool)
    sampler.random_state = np.random.RandomState(0).get_state()
    sampler.run_mcmc(start, 5)
    return sampler.get_chain()


def test_emcee_walks_as_in_one_process(client: taskkit.Client) -> None:
    """`pool=client`: all it wants of a pool is `map`."""
    assert np.array_equal(chain(client), chain(None))


def peak(x: float) -> float:
    """Return a curve with a narrow peak."""
    return x + 0.01 / (0.01 + x**2)


@pytest.mark.parametrize("is_blocking", [True, False])
def test_adaptive_samples_as_in_one_process(client: taskkit.Client, is_blocking: bool) -> None:
    """`executor=client, ntasks=…`; each value is the function's, and the client stays open."""
    adaptive = pytest.importorskip("adaptive")
    learner = adaptive.Learner1D(peak, bounds=(-1, 1))
    options: dict[str, Any] = {"npoints_goal": 30, "executor": client, "ntasks": 4}

    async def run() -> None:
        await adaptive.AsyncRunner(learner, **options).task

    if is_blocking:
        adaptive.BlockingRunner(learner, **options)
    else:
        asyncio.run(run())
    assert learner.npoints >= 30
    assert learner.data == {x: peak(x) for x in learner.data}
    assert client.submit(pow, 2, 5).result(30) == 32


def test_dask_computes_on_a_client(client: taskkit.Client) -> None:
    """`scheduler=client`, in a call or in its configuration."""
    dask = pytest.importorskip("dask")
    total = dask.delayed(sum)([dask.delayed(pow)(n, 2) for n in range(10)])
    assert total.compute(scheduler=client) == sum(n**2 for n in range(10))
    with dask.config.set(scheduler=client):
        assert dask.compute(total, total) == (285, 285)


def test_dask_arrays_compute_on_a_client(client: taskkit.Client) -> None:
    """Blocks of them travel."""
    array = pytest.importorskip("dask.array")
    x = array.arange(1000, chunks=250)
    assert int((x**2).sum().compute(scheduler=client)) == sum(n**2 for n in range(1000))


def test_dask_raises_what_a_task_raised(client: taskkit.Client) -> None:
    """As itself."""
    dask = pytest.importorskip("dask")
    with pytest.raises(ZeroDivisionError):
        dask.delayed(divmod)(1, 0).compute(scheduler=client)


def test_tqdm_counts_jobs_as_they_end(client: taskkit.Client) -> None:
    """Around `as_completed`, and around the results themselves."""
    tqdm = pytest.importorskip("tqdm")
    batch = client.options(name="squares").map(pow, range(20), [2] * 20, chunksize=1)
    bar = tqdm.tqdm(taskkit.as_completed(batch), total=len(batch), disable=None)
    assert sum(job.result() for job in bar) == 2470
    assert list(tqdm.tqdm(batch, disable=None)) == [n**2 for n in range(20)]


def test_what_map_returns_is_used_as_a_pools_list(client: taskkit.Client) -> None:
    """By length, place and slice, in loops and as an array."""
    results = client.map(abs, range(-3, 0))
    assert (len(results), results[0], results[-1], results[:2]) == (3, 3, 1, [3, 2])
    assert list(results) == [3, 2, 1]
    assert np.asarray(results).tolist() == [3, 2, 1]
    assert max(results) == 3
    assert 2 in results


def test_an_event_loop_runs_functions_on_a_client(client: taskkit.Client) -> None:
    """`run_in_executor`, which asks for a real executor."""

    async def power() -> int:
        return await asyncio.get_running_loop().run_in_executor(client, pow, 2, 5)

    assert asyncio.run(power()) == 32
