"""Executors in a running event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import partial

import pytest
from calls import capture, fail, held
from executors import LIMIT_S, POOLS, TASKKIT, on
from gates import Gate
from waiting import wait_until

import taskkit


def test_run_in_executor(executor: Executor) -> None:
    """With arguments, keywords by `partial`, and errors."""

    async def use() -> None:
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(executor, pow, 2, 8) == 256
        call = partial(capture, 1, b=2)
        assert await loop.run_in_executor(executor, call) == ((1,), {"b": 2})
        with pytest.raises(LookupError):
            await loop.run_in_executor(executor, fail, LookupError)

    asyncio.run(asyncio.wait_for(use(), LIMIT_S))


def test_wrap_future(executor: Executor) -> None:
    """A future of an executor becomes one of the loop."""

    async def use() -> int:
        return await asyncio.wrap_future(executor.submit(pow, 2, 8))

    assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == 256


def test_the_loop_stays_free(executor: Executor, gate: Gate) -> None:
    """What is awaited is let through by another coroutine."""

    async def use() -> list[str | None]:
        async def open_gate() -> None:
            gate.open()

        future = asyncio.wrap_future(executor.submit(held, gate.path, "through"))
        return await asyncio.gather(future, open_gate())

    assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == ["through", None]


def test_many_are_gathered_in_their_order(executor: Executor) -> None:
    """As with coroutines."""

    async def use() -> list[int]:
        futures = [asyncio.wrap_future(executor.submit(pow, n, 2)) for n in range(20)]
        return await asyncio.gather(*futures)

    assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == [n**2 for n in range(20)]


def test_as_completed_yields_each(executor: Executor) -> None:
    """All results come, in some order."""

    async def use() -> set[int]:
        futures = [asyncio.wrap_future(executor.submit(pow, n, 2)) for n in range(5)]
        return {await one for one in asyncio.as_completed(futures)}

    assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == {0, 1, 4, 9, 16}


def test_what_has_ended_is_awaited_at_once(executor: Executor) -> None:
    """Result and error."""
    good, bad = executor.submit(abs, -1), executor.submit(fail, LookupError)
    bad.exception(LIMIT_S)

    async def use() -> int:
        with pytest.raises(LookupError):
            await asyncio.wrap_future(bad)
        return await asyncio.wrap_future(good)

    assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == 1


@on(*POOLS)
def test_a_wait_that_is_over_leaves_what_runs_in_a_pool(executor: Executor, gate: Gate) -> None:
    """Which taskkit's own test says the contrary of."""
    future = executor.submit(held, gate.path, "through")
    wait_until(future.running, LIMIT_S)

    async def use() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(future), 0.05)

    asyncio.run(use())
    gate.open()
    assert future.result(LIMIT_S) == "through"


@on(TASKKIT)
def test_a_wait_that_is_over_ends_what_runs_on_a_worker(executor: Executor, gate: Gate) -> None:
    """The loop cancels what it waits for, and a job can be cancelled."""
    future = executor.submit(held, gate.path)
    wait_until(future.running, LIMIT_S)

    async def use() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(future), 0.05)

    asyncio.run(use())
    wait_until(future.cancelled, LIMIT_S)


def test_a_shield_keeps_it_running(executor: Executor, gate: Gate) -> None:
    """The wait ends alone."""
    future = executor.submit(held, gate.path, "through")

    async def use() -> str:
        awaited = asyncio.wrap_future(future)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(awaited), 0.05)
        gate.open()
        return await awaited

    assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == "through"


def test_cancelling_the_executor_s_future_cancels_the_loop_s(
    executor: Executor, gate: Gate
) -> None:
    """Who awaits is told."""
    futures = [executor.submit(held, gate.path) for _ in range(8)]

    async def use() -> None:
        awaited = asyncio.wrap_future(futures[-1])
        assert futures[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await awaited

    asyncio.run(asyncio.wait_for(use(), LIMIT_S))


# A job is awaitable itself


def test_a_job_is_awaited(client: taskkit.Client) -> None:
    """Also again, by several, and when it has ended."""

    async def use() -> list[int]:
        job = client.submit(pow, 2, 8)

        async def one() -> int:
            return await job

        return [*await asyncio.gather(one(), one()), await job]

    assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == [256] * 3


def test_a_job_that_fails_raises_where_it_is_awaited(client: taskkit.Client) -> None:
    """Its own exception, with the worker's traceback as its cause."""

    async def use() -> None:
        await client.submit(fail, LookupError, "nowhere")

    with pytest.raises(LookupError, match="nowhere") as caught:
        asyncio.run(asyncio.wait_for(use(), LIMIT_S))
    assert "raise error(*args)" in str(caught.value.__cause__)


def test_cancelling_who_awaits_ends_the_job(client: taskkit.Client, gate: Gate) -> None:
    """As `wait_for` and a task group do."""
    job = client.submit(held, gate.path)

    async def use() -> None:
        async def wait_for_it() -> None:
            await job

        waiter = asyncio.create_task(wait_for_it())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter

    asyncio.run(asyncio.wait_for(use(), LIMIT_S))
    wait_until(job.cancelled, LIMIT_S)


def test_a_task_group_ends_the_jobs_beside_one_that_fails(
    client: taskkit.Client, gate: Gate
) -> None:
    """None is left running for a result that nobody will see."""
    job = client.submit(held, gate.path)

    async def wait_for(one: taskkit.Job[object]) -> None:
        await one

    async def use() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for(job))
            group.create_task(wait_for(client.submit(fail, LookupError)))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(asyncio.wait_for(use(), LIMIT_S))
    assert [type(error) for error in caught.value.exceptions] == [LookupError]
    wait_until(job.cancelled, LIMIT_S)


def test_a_job_found_again_is_awaited(client: taskkit.Client, stack: taskkit.LocalStack) -> None:
    """Its result is brought without the loop being held up."""
    job_id = client.submit(pow, 2, 8).id

    async def use() -> int:
        return await other.job(job_id)

    with stack.client() as other:
        assert asyncio.run(asyncio.wait_for(use(), LIMIT_S)) == 256
