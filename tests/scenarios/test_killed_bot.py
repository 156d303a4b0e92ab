"""The kill matrix: ``tandem serve`` is killed at each step of a failover under load, and started again.

Killed when a step has been journalled as begun, when Redis shows its effect, and when its outcome is journalled; also
a second time while the run is settled, stopped while another process takes over, and with its database gone. Nothing
acknowledged is lost, the roles move once at most, no fence, pause or priority stays behind, no run is forgotten. The
table is printed at the end of the tests.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

from sandbox.demo import Bot, described, targets
from sandbox.postgresql import PostgreSQL
from sandbox.redis import Build, Server, Topology, WriteLoad, builds, sentinel
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest
from tests.databases import DATABASES, Databases
from tests.failover import PATIENT, in_file, setting

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

INCIDENT = "C0INCIDENT"
FENCING = next((one for one in builds() if not one.is_valkey), builds()[0])
FENCED = "1000000"
LEFT = ("replica-priority 0", FENCED)

TITLES = (
    "only choice",
    "just heard",
    "before it is promoted",
    "Fence writes",
    "every byte",
    "fail over to",
    "Sentinels name",
    "take writes",
    "Demote",
    "Put",
    "Prove",
)
BEFORE = TITLES[:5]
"""The steps that are undone; what comes after the next one is gone on with."""

TO_THE_END = ("fail over to", "Prove")
"""Where the second proof is waited for; elsewhere the first one is enough."""

EFFECTS = ("Fence writes", "fail over to", "Demote")
"""Steps whose effect is seen on the servers before the ledger knows of it."""

POINTS = [(title, state) for title in TITLES for state in ("running", "done")] + [(one, "effect") for one in EFFECTS]
MATRIX = [(*point, database) for point in POINTS for database in DATABASES]


@dataclass
class Incident:
    slack: LocalSlack
    topology: Topology
    load: WriteLoad
    bot: Bot
    ledger: Connection
    old: Server
    epoch: int

    async def approved(self) -> None:
        """A failover that oncall asks for and lead approves."""
        oncall, lead = self.slack.person("U0ONCALL"), self.slack.person("U0LEAD")
        await oncall.types(INCIDENT, "/redis failover orders")
        card = await self.slack.waits_for(lambda: self.saying("failover orders: destructive"))
        await lead.clicks(card, "approve")

    async def reached(self, title: str, state: str) -> None:
        """Until the first step of this title has begun or ended, by the ledger, or the servers show its effect."""
        states = {"done", "already"} if state == "done" else {"running", "done", "already"}
        await self.until(lambda: self._is_so(title) if state == "effect" else self._stands(title, states))

    async def until(self, so: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + 120
        while not await so():
            assert time.monotonic() < deadline, self.slack.transcript(INCIDENT)
            await asyncio.sleep(0.001)

    def ended(self) -> tuple[str, str] | None:
        rows = self.rows("SELECT outcome, failures FROM runs WHERE ended_at IS NOT NULL")
        return rows[0] if rows else None

    def right(self) -> set[str]:
        """How a run may end that stands still now: by what is journalled of the step that moves the roles.

        On a busy machine the bot may have gone on, past the point at which it was to be stopped.
        """
        return right_endings(self._states("fail over to"))

    def settled(self) -> bool:
        """It has ended, or all that is left is to look again after half a minute."""
        return self.ended() is not None or "done" in self._states("Prove")

    def owed(self) -> list[tuple[str, ...]]:
        return self.rows("SELECT host, name FROM debts WHERE paid_at IS NULL")

    def rows(self, query: str) -> list[tuple[str, ...]]:
        return [tuple(row) for row in self.ledger.execute(text(query))]

    def saying(self, words: str) -> object:
        return next((one for one in self.slack.messages(INCIDENT) if words in one.plain()), None)

    async def as_it_has_to_be(self, outcome: str, record: Callable[[str, object], None], *point: str) -> None:
        """Say how it ended in the table, and see that nothing is lost, left behind or done twice."""
        await self.slack.waits_for(lambda: not self.owed())
        await self.topology.ready()
        master = await self.topology.master()
        paused = await is_paused(master)
        fences = [await setting(node, "min-replicas-to-write") for node in self.topology.nodes]
        priorities = [await setting(node, "replica-priority") for node in self.topology.nodes]
        moves = await config_epoch(self.topology) - self.epoch
        await asyncio.sleep(0.5)
        await self.load.stop()
        lost = await self.load.lost(master)
        record("kill matrix", [*point, outcome, moves, lost, _word(paused), _word(set(fences) != {"0"})])
        assert (master is self.old) == (outcome == "undone"), outcome
        assert moves == (0 if outcome == "undone" else 1), "the roles move once at most"
        assert not paused
        assert set(fences) == {"0"}
        assert set(priorities) == {"100"}
        in_files = [line for node in self.topology.nodes for word in LEFT for line in in_file(node, word)]
        assert in_files == [], "Sentinel writes the file of each node that it reconfigures, with what is set then"
        assert self.load.acked > 300
        assert lost == 0
        assert self.slack.broadcast_mentions == []

    async def _is_so(self, title: str) -> bool:
        if title == "Fence writes":
            return await setting(self.old, "min-replicas-to-write") == FENCED
        masters = await self.topology.masters()
        return self.old not in masters if title == "Demote" else any(one is not self.old for one in masters)

    async def _stands(self, title: str, states: set[str]) -> bool:
        return bool(set(self._states(title)) & states)

    def _states(self, title: str) -> list[str]:
        return [state for state, name in self.rows("SELECT state, title FROM steps") if title in name]


def right_endings(states: list[str]) -> set[str]:
    """By the state of the step that moves the roles: what had not begun is undone, what was done is gone on with."""
    return {"waiting": {"undone"}, "done": {"done"}, "already": {"done"}}.get(states[0], {"undone", "done"})


def _word(yes: bool) -> str:
    return "yes" if yes else "no"


async def is_paused(master: Server) -> bool:
    """A write has no answer, though what is asked a second later has one."""
    writing = asyncio.create_task(master.command("SET", "after", "1"))
    await asyncio.wait({writing}, timeout=1)
    for _ in range(3):  # What came second may be answered first, once.
        if not writing.done():
            await master.command("PING")
    paused = not writing.done()
    await writing
    return paused


async def config_epoch(topology: Topology) -> int:
    """The highest that a Sentinel knows: each promotion raises it. 0 without any."""
    views = [await one.command("SENTINEL", "MASTER", "orders") for one in topology.sentinels]
    return max((int(view[view.index("config-epoch") + 1]) for view in views), default=0)


def patient(topology: Topology) -> dict[str, object]:
    """``targets.yaml`` for a busy machine: one answer that is late is no reason to end a run incomplete."""
    return targets({**described(topology), "limits": PATIENT})


@contextmanager
def looking(url: str):
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername="sqlite")
    engine = create_engine(parsed, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def incident(
    which: Build, folder: Path, url: str, info_period_ms: int = 1_000, **settings: object
) -> AsyncIterator[Incident]:
    """``info_period_ms``: how long it takes at most until a Sentinel has heard whom it may promote."""
    async with (
        LocalSlack(own_manifest()) as slack,
        sentinel(which, **{"master_name": "orders", "down_after_ms": 30_000, **settings}) as topology,
        WriteLoad(topology, rate=300, process=True) as load,
    ):
        if which.version >= (7,):
            for server in topology.sentinels:
                await server.command("SENTINEL", "DEBUG", "INFO-PERIOD", str(info_period_ms))
        old, epoch = await topology.master(), await config_epoch(topology)
        async with Bot(slack, patient(topology), folder, ledger_url=url) as bot:
            with looking(url) as ledger:
                yield Incident(slack, topology, load, bot, ledger, old, epoch)


@pytest.mark.parametrize(("title", "state", "database"), MATRIX)
async def test_killed_and_started_again(
    title: str, state: str, database: str, databases: Databases, tmp_path: Path, record_property
) -> None:
    with databases.new(database, tmp_path) as url:
        async with incident(FENCING, tmp_path, url) as scene:
            await scene.approved()
            await scene.reached(title, state)
            await scene.bot.kill()
            right = {"done"} if state == "effect" and title not in BEFORE else scene.right()
            await asyncio.sleep(2.0)  # Longer than the pause: the fence that outlives it has to hold.
            await scene.bot.start()
            await scene.slack.waits_for(scene.ended if title in TO_THE_END else scene.settled, within=180)
            outcome, failures = scene.ended() or ("done", "still to be looked at again")
            assert outcome in right, failures
            await scene.as_it_has_to_be(outcome, record_property, title, state, database)
            if scene.ended():
                told = "done and proven" if outcome == "done" else "put back"
                await scene.slack.waits_for(lambda: told in scene.slack.transcript(INCIDENT))
            else:
                await scene.bot.kill()  # It would stay for the second look.


@pytest.mark.parametrize(
    ("title", "database", "answer"),
    [("Fence writes", "sqlite", "roll-back"), ("Sentinels name", "postgresql", "resume")],
)
async def test_killed_again_while_it_is_settled_it_asks(
    title: str, database: str, answer: str, databases: Databases, tmp_path: Path, record_property
) -> None:
    with databases.new(database, tmp_path) as url:
        async with incident(FENCING, tmp_path, url) as scene:
            await scene.approved()
            await scene.reached(title, "running")
            await scene.bot.kill()
            if scene.right() != ({"undone"} if answer == "roll-back" else {"done"}):
                pytest.skip("the run had gone on before it could be killed")
            starting = asyncio.create_task(scene.bot.start())
            await scene.until(lambda: asyncio.sleep(0, bool(scene.rows("SELECT 1 FROM runs WHERE cut_off = 1"))))
            os.kill(scene.bot.pid, signal.SIGKILL)
            await asyncio.gather(starting, return_exceptions=True)
            await scene.bot.kill()  # It is dead; this waits until that is known.
            if not scene.rows("SELECT 1 FROM runs WHERE ended_at IS NULL"):
                pytest.skip("the run was settled before it could be killed again")
            await scene.bot.start()
            asks = await scene.slack.waits_for(lambda: scene.saying("asks what to do"), within=180)
            assert scene.rows("SELECT 1 FROM runs WHERE question IS NOT NULL AND answer IS NULL")
            await scene.slack.person("U0LEAD").clicks(asks, f"answer:{answer}")
            await scene.slack.waits_for(scene.settled, within=180)
            outcome = (scene.ended() or ("done",))[0]
            assert outcome == ("undone" if answer == "roll-back" else "done")
            await scene.as_it_has_to_be(outcome, record_property, title, "twice", database)
            await scene.bot.kill()  # It would stay for the second look.


async def test_stopped_until_another_has_taken_over_it_does_nothing_more(
    postgresql_url: str, tmp_path: Path, record_property
) -> None:
    """A zombie: it wakes up in the middle of its step, and takes back what that does too late."""
    async with incident(FENCING, tmp_path, postgresql_url) as scene:
        await scene.approved()
        await scene.reached("Fence writes", "running")
        os.kill(scene.bot.pid, signal.SIGSTOP)
        try:
            async with Bot(scene.slack, patient(scene.topology), tmp_path, ledger_url=postgresql_url, name="other"):
                right = scene.right()  # The other one waits until the lease is over.
                await scene.slack.waits_for(scene.ended, within=180)
                os.kill(scene.bot.pid, signal.SIGCONT)
                await asyncio.sleep(3)
                outcome, failures = scene.ended() or ("", "")
                assert outcome in right, failures
                await scene.as_it_has_to_be(outcome, record_property, "Fence writes", "zombie", "postgresql")
        finally:
            os.kill(scene.bot.pid, signal.SIGCONT)


async def test_with_its_database_gone_the_fence_comes_down_and_the_run_is_settled_later(
    own_postgresql: PostgreSQL, tmp_path: Path, record_property
) -> None:
    url = own_postgresql.url()
    async with incident(FENCING, tmp_path, url) as scene:
        await scene.approved()
        await scene.reached("Fence writes", "running")
        own_postgresql.stop()
        await scene.until(lambda: _unfenced(scene.old))
        own_postgresql.start()
        with looking(url) as scene.ledger:
            right = scene.right()
            await scene.slack.waits_for(scene.ended, within=180)
            outcome, failures = scene.ended() or ("", "")
            assert outcome in right, failures
            await scene.as_it_has_to_be(outcome, record_property, "Fence writes", "outage", "postgresql")


async def test_stopped_in_order_it_hands_the_run_over_and_alone_it_goes_back(
    postgresql_url: str, tmp_path: Path, record_property
) -> None:
    """SIGTERM before the roles have moved: the step in hand, which takes a while, ends, and nothing is left behind."""
    async with (
        incident(FENCING, tmp_path, postgresql_url, info_period_ms=5_000) as scene,
        Bot(scene.slack, patient(scene.topology), tmp_path, ledger_url=postgresql_url, name="other") as other,
    ):
        await scene.approved()
        await scene.reached("only choice", "running")
        ((owner,),) = scene.rows("SELECT owner FROM runs")
        bots = [scene.bot, other]
        has_it = next(bot for bot in bots if f":{bot.pid}:" in owner)
        last = next(bot for bot in bots if bot is not has_it)
        os.kill(has_it.pid, signal.SIGTERM)
        await scene.until(lambda: asyncio.sleep(0, len(scene.rows("SELECT owner FROM replicas")) == 1))
        assert scene.rows("SELECT 1 FROM audit WHERE kind = 'run.handed-over'"), scene.ended()
        await scene.until(lambda: asyncio.sleep(0, f":{last.pid}:" in scene.rows("SELECT owner FROM runs")[0][0]))
        await scene.reached("only choice", "running")
        os.kill(last.pid, signal.SIGTERM)
        await asyncio.gather(ended(last), ended(has_it))
        outcome, failures = scene.ended() or ("", "")
        assert outcome in scene.right(), failures
        assert ("Tandem was stopped" in failures) == (outcome == "undone"), failures
        await scene.as_it_has_to_be(outcome, record_property, "only choice", "SIGTERM", "postgresql")


async def ended(bot: Bot) -> None:
    """Waits until the process has ended by itself."""
    async with asyncio.timeout(60):
        while bot.running:
            await asyncio.sleep(0.05)


async def _unfenced(node: Server) -> bool:
    return await setting(node, "min-replicas-to-write") == "0"


@pytest.mark.parametrize(("title", "moved"), [("every byte", False), ("take writes", True)])
async def test_killed_without_sentinels_and_started_again(
    title: str, moved: bool, databases: Databases, tmp_path: Path
) -> None:
    """In the middle, with nobody else to move the roles: what was begun is ended by looking."""
    with databases.new("sqlite", tmp_path) as url:
        async with incident(FENCING, tmp_path, url, sentinels=0) as scene:
            await scene.approved()
            await scene.reached(title, "running")
            await scene.bot.kill()
            await scene.bot.start()
            await scene.slack.waits_for(scene.settled, within=180)
            await scene.slack.waits_for(lambda: not scene.owed())
            await scene.topology.ready()
            master = await scene.topology.master()
            outcome, failures = scene.ended() or ("done", "still to be looked at again")
            assert outcome in {"done", "undone"}, failures
            assert (master is scene.old) == (outcome == "undone")
            assert outcome == "done" or not moved
            assert {await setting(node, "min-replicas-to-write") for node in scene.topology.nodes} == {"0"}
            assert await master.command("SET", "after", "1")
            await asyncio.sleep(0.5)
            await scene.load.stop()
            assert await scene.load.lost(master) == 0
            await scene.bot.kill()  # It would stay for the second look.
