"""What is done together for all who ask meanwhile, and that nobody fails by the fault of another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.waiting import Together


class Work:
    """Doubles numbers, but none that is negative; nothing works while it is broken."""

    def __init__(self) -> None:
        self.done: list[tuple[int, ...]] = []
        self.go = asyncio.Event()
        self.broken = False

    async def do(self, numbers: Sequence[int]) -> list[int]:
        self.done.append(tuple(numbers))
        await self.go.wait()
        if self.broken:
            raise OSError
        if min(numbers) < 0:
            raise ValueError
        return [2 * number for number in numbers]


async def asked(work: Work, *numbers: int) -> list[int | BaseException]:
    """One asks first, and all others while it is done."""
    together = Together(work.do, OSError)
    tasks = [asyncio.create_task(together(numbers[0]))]
    while not work.done:
        await asyncio.sleep(0)
    tasks += [asyncio.create_task(together(number)) for number in numbers[1:]]
    await asyncio.sleep(0)
    work.go.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_asked_for_meanwhile_is_done_next_in_one_go() -> None:
    work = Work()
    assert await asked(work, 1, 2, 3, 2) == [2, 4, 6, 4]
    assert work.done == [(1,), (2, 3, 2)]


async def test_who_is_at_fault_fails_alone() -> None:
    work = Work()
    first, second, third, fourth = await asked(work, 1, 2, -3, 4)
    assert (first, second, fourth) == (2, 4, 8)
    assert isinstance(third, ValueError)


async def test_where_nothing_works_all_are_told_at_once() -> None:
    work = Work()
    work.broken = True
    failed = await asked(work, 1, 2, 3, 4)
    assert [type(one) for one in failed] == [OSError] * 4
    assert len(work.done) == 2


async def test_who_goes_away_while_it_is_done_keeps_nobody_waiting() -> None:
    work = Work()
    together = Together(work.do)
    first, second = (asyncio.create_task(together(number)) for number in (1, 2))
    while not work.done:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.go.set()
    assert await second == 4
