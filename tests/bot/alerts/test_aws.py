"""A local AWS whose events are asked for: each is told once, whatever window it is in; so is what is missing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actions.adapters.aws import AwsElastiCache
from actions.kit.topology import Address, Kind, Target
from bot.alerts.aws import AwsWatch
from bot.alerts.mapping import Places
from bot.alerts.telling import Teller
from bot.fleet import Fleet
from bot.ledger import Ledger
from sandbox.elasticache import LocalElastiCache
from tests.databases import rows
from tests.elasticache import account, place

HERE = "C0INCIDENT"


@asynccontextmanager
async def watching(aws: LocalElastiCache, url: str) -> AsyncIterator[dict[str, set[Address]]]:
    """The nodes that are found, by target."""
    found: dict[str, set[Address]] = {}
    target = Target("search", Kind.ELASTICACHE, elasticache=place(aws))
    fleet = Fleet(targets={"search": target}, channels={HERE: ("search",)}, approvers={}, requesters={})
    ledger = await Ledger.open(url)
    teller = Teller(Places(fleet), ledger.incidents, ledger.held)
    watch = AwsWatch(
        [target], teller, AwsElastiCache, lambda name, nodes: found.setdefault(name, set()).update(nodes), 0.1
    )
    teller.start()
    watch.start()
    try:
        yield found
    finally:
        await watch.aclose()
        await teller.aclose()
        await ledger.aclose()


def told(url: str) -> list[str]:
    return [summary for (summary,) in rows(url, "SELECT summary FROM alerts ORDER BY starts_at")]


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not wanted():
            await asyncio.sleep(0.05)


def asked(aws: LocalElastiCache) -> int:
    return sum(call.action == "DescribeEvents" for call in aws.calls)


async def test_each_event_is_told_once_also_by_the_next_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    async with account(monkeypatch) as aws:
        group = await aws.add_group("aragora-redis", build=None)
        other = await aws.add_group("elsewhere", build=None)
        async with watching(aws, url) as found:
            await until(lambda: len(found.get("search", ())) == len(group.node_groups[0].members))
            lost = group.node_groups[0].members[1]
            await aws.lose(group, lost)
            await aws.lose(other, other.node_groups[0].members[1])
            await aws.settled()
            await until(lambda: told(url) == [f"AWS, of {lost.id}: Recovering cache nodes 0001"])
            before = asked(aws)
            aws.faults.throttle("DescribeEvents", times=2)
            await until(lambda: asked(aws) > before + 4)
        async with watching(aws, url):
            before = asked(aws)
            await until(lambda: asked(aws) > before + 2)
        assert told(url) == [f"AWS, of {lost.id}: Recovering cache nodes 0001"]


async def test_what_nobody_may_ask_is_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.alerts.aws.DENIED_S", 0.1)
    async with account(monkeypatch) as aws:
        await aws.add_group("aragora-redis", build=None)
        aws.faults.denied = {"DescribeEvents"}
        with caplog.at_level(logging.WARNING, logger="bot.alerts.aws"):
            async with watching(aws, f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"):
                await until(lambda: asked(aws) >= 3)
        (line,) = caplog.messages
        assert "elasticache:DescribeEvents" in line
