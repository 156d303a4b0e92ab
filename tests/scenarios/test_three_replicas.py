"""Three replicas of the bot on one PostgreSQL and one Slack: the work is shared, and a lost one is stepped in for."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from sandbox.demo import Bot
from sandbox.redis import WriteLoad, builds, sentinel
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest
from tests.databases import rows
from tests.failover import setting
from tests.scenarios.test_killed_bot import patient, right_endings

INCIDENT = "C0INCIDENT"
FENCING = next((one for one in builds() if not one.is_valkey), builds()[0])


async def test_one_executes_is_killed_and_another_settles(postgresql_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(LocalSlack(own_manifest()))
        slack.courier.ack_seconds = 60  # Three starting bots share the machine.
        topology = await stack.enter_async_context(sentinel(FENCING, master_name="orders", down_after_ms=10_000))
        load = await stack.enter_async_context(WriteLoad(topology, rate=300, process=True))
        bots = [
            await stack.enter_async_context(
                Bot(slack, patient(topology), tmp_path, ledger_url=postgresql_url, name=f"bot-{number}")
            )
            for number in range(3)
        ]
        oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
        await slack.waits_for(lambda: slack.connections == 6)
        await asyncio.gather(*(oncall.types(INCIDENT, "/redis runs") for _ in range(12)))
        taken = Counter(delivery.socket for delivery in slack.deliveries if delivery.error is None)
        assert len(taken) == 6, taken  # Each connection of each replica has answered.

        await oncall.types(INCIDENT, "/redis failover orders")
        card = await slack.waits_for(lambda: _saying(slack, "failover orders: destructive"))
        clicks = await asyncio.gather(*(lead.clicks(card, "approve") for _ in range(6)))
        assert all(click.error is None for click in clicks)
        await _fenced(postgresql_url)
        first = _owner(postgresql_url)
        await next(bot for bot in bots if bot.pid == first).kill()
        right = right_endings(_states(postgresql_url, "fail over to"))  # It may have gone on until it was killed.

        await slack.waits_for(lambda: _ended(postgresql_url), within=180)
        (outcome,) = _ended(postgresql_url)
        assert outcome in right
        assert _owner(postgresql_url) in {bot.pid for bot in bots} - {first}
        assert await setting(await topology.master(), "min-replicas-to-write") == "0"
        counted = rows(postgresql_url, "SELECT count(*) FROM audit WHERE kind IN ('run.began', 'run.claimed')")
        assert counted == [(2,)]
        words = "not done, and everything was put back" if outcome == "undone" else "done and proven"
        told = await slack.waits_for(lambda: _saying(slack, words))
        heads = [one for one in slack.messages(INCIDENT) if "failover orders: " in one.plain()]
        assert [one.ts for one in heads] == [card.ts, told.ts]  # The card and the run, each of them once.
        await load.stop()
        assert await load.lost(await topology.master()) == 0


async def _fenced(url: str) -> None:
    fenced = "SELECT 1 FROM steps WHERE substr(title, 1, 12) = 'Fence writes' AND state IN ('running', 'done')"
    async with asyncio.timeout(120):
        while not rows(url, fenced):
            await asyncio.sleep(0.001)


def _owner(url: str) -> int:
    """The process that holds the run, or held it last."""
    [(owner,)] = rows(url, "SELECT owner FROM runs")
    return int(str(owner).rsplit(":", 2)[1])


def _states(url: str, title: str) -> list[str]:
    return [str(state) for state, name in rows(url, "SELECT state, title FROM steps") if title in str(name)]


def _ended(url: str) -> list[str]:
    return [outcome for (outcome,) in rows(url, "SELECT outcome FROM runs WHERE ended_at IS NOT NULL")]


def _saying(slack: LocalSlack, text: str) -> object:
    return next((one for one in slack.messages(INCIDENT) if text in one.plain()), None)
