"""``tandem serve`` is killed in a failover of a cluster under load: nothing is lost, no shard fails over twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from sandbox.demo import Bot, targets
from sandbox.redis import Cluster, ClusterLoad, Shape, builds, cluster
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest
from tests.databases import Databases
from tests.failover import PATIENT, setting
from tests.scenarios.test_killed_bot import INCIDENT, looking

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


@dataclass
class Incident:
    slack: LocalSlack
    made: Cluster
    load: ClusterLoad
    bot: Bot
    ledger: Connection

    async def approved(self, options: str) -> None:
        """A failover that oncall asks for and lead approves."""
        oncall, lead = self.slack.person("U0ONCALL"), self.slack.person("U0LEAD")
        await oncall.types(INCIDENT, f"/redis failover orders {options}")
        card = await self.slack.waits_for(
            lambda: next((one for one in self.slack.messages(INCIDENT) if "destructive" in one.plain()), None)
        )
        await lead.clicks(card, "approve")

    async def reached(self, title: str, nth: int = 0) -> None:
        """Until the nth step of this title has been journalled as begun."""
        deadline = time.monotonic() + 120
        while (states := self._states(title)[nth : nth + 1]) in ([], ["waiting"]):
            assert time.monotonic() < deadline, self.slack.transcript(INCIDENT)
            await asyncio.sleep(0.001)
        assert states

    def settled(self) -> bool:
        """It has ended, or all that is left is to look again after half a minute."""
        return self.ended() is not None or "done" in self._states("Prove")

    def ended(self) -> tuple[str, str] | None:
        rows = self._rows("SELECT outcome, failures FROM runs WHERE ended_at IS NOT NULL")
        return (rows[0][0], rows[0][1]) if rows else None

    async def as_it_has_to_be(self, moves: int) -> None:
        """No fence, no pause, nothing lost, and each shard moved once at most."""
        await self.slack.waits_for(lambda: not self._rows("SELECT host FROM debts WHERE paid_at IS NULL"))
        await self.made.ready()
        assert {await setting(node, "min-replicas-to-write") for node in self.made.nodes} == {"0"}
        assert promotions(self.made) == moves
        acked = self.load.acked
        await self.slack.waits_for(lambda: self.load.acked > acked + 100)
        await self.load.stop()
        assert await self.load.lost() == 0
        await self.bot.kill()  # It would stay for the second look.

    def _states(self, title: str) -> list[str]:
        rows = self._rows('SELECT state, title FROM steps ORDER BY "index"')
        return [state for state, name in rows if title in name]

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        return [tuple(row) for row in self.ledger.execute(text(query))]


def promotions(made: Cluster) -> int:
    """How often a node was voted master; an election that comes to nothing raises the epoch as well."""
    return sum(node.log_tail(100_000).count("Failover election won") for node in made.nodes)


@asynccontextmanager
async def incident(folder: Path, url: str, shape: Shape) -> AsyncIterator[Incident]:
    async with (
        LocalSlack(own_manifest()) as slack,
        cluster(builds()[0], shape) as made,
        ClusterLoad(made, rate=300, timeout=8, process=True) as load,
    ):
        target = {"kind": "cluster", "nodes": list(made.node_addresses), "limits": PATIENT}
        async with Bot(slack, targets(target), folder, ledger_url=url) as bot:
            with looking(url) as ledger:
                yield Incident(slack, made, load, bot, ledger)


POINTS = [
    ("can take over from", 0),
    ("Fence", 0),
    ("every byte", 0),
    ("Fail over from", None),
    ("lift its fence", 1),
    ("agree on", 1),
]
"""The step that has begun when it is killed, and how often the role has moved then; the turn itself leaves it open."""


@pytest.mark.parametrize(("title", "moves"), POINTS)
async def test_killed_and_started_again(title: str, moves: int | None, databases: Databases, tmp_path: Path) -> None:
    with databases.new("sqlite", tmp_path) as url:
        async with incident(tmp_path, url, Shape(node_timeout_ms=15_000)) as scene:
            await scene.approved("--shard 0")
            await scene.reached(title)
            await scene.bot.kill()
            await asyncio.sleep(1)
            await scene.bot.start()
            await scene.slack.waits_for(scene.settled, within=180)
            outcome, failures = scene.ended() or ("done", "still to be looked at again")
            assert outcome in {"done", "undone"}, failures
            if moves:
                assert outcome == "done"
            await scene.as_it_has_to_be(1 if outcome == "done" else 0)
            await scene.bot.kill()  # It would stay for the second look.


async def test_killed_between_two_shards_of_a_host(databases: Databases, tmp_path: Path) -> None:
    """The first has moved. Whatever becomes of the second, it is not done twice, and nothing is left behind."""
    shape = Shape(shards=4, hosts=2, node_timeout_ms=15_000)
    with databases.new("sqlite", tmp_path) as url:
        async with incident(tmp_path, url, shape) as scene:
            await scene.approved(f"--host {scene.made.primaries[0].spec.bind[0]}")
            await scene.reached("Fence", nth=1)
            await scene.bot.kill()
            await scene.bot.start()
            await scene.slack.waits_for(scene.settled, within=180)
            outcome, failures = scene.ended() or ("done", "still to be looked at again")
            assert outcome in {"done", "incomplete"}, failures
            if outcome == "incomplete":
                assert "Not done: Fail over from " in failures
            await scene.as_it_has_to_be(2 if outcome == "done" else 1)
            await scene.bot.kill()
