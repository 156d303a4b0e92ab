"""Which signs of a failover are told, and which are old news or over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from actions.kit.action import Progress, Seen
from actions.kit.diagnosis import diagnose
from actions.kit.pulse import Pulse
from actions.kit.topology import Address
from bot.alerts import failovers
from bot.alerts.failovers import Failovers, Led
from bot.alerts.telling import Teller
from bot.ledger.incident_records import Alert
from tests.builders import healthy, node_at, with_opinion

MASTER, FORMER, SENTINEL = node_at(1), node_at(2), Address("10.0.0.9", 26379)
AS_MASTER = b"# Replication\r\nrole:master\r\n"
AS_REPLICA = b"# Replication\r\nrole:slave\r\nmaster_host:10.0.0.2\r\nmaster_port:6379\r\n"


class World:
    """Nodes with their pulses, and what is told of them; a target that is well, with 10 ms for a failover."""

    def __init__(self) -> None:
        self.pulses = {MASTER: Pulse(), FORMER: Pulse()}
        self.alerts: list[Alert] = []
        self.news, self.asked, self.owned = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.ours = False

    def tell(self, _target: str, alert: Alert) -> None:
        self.alerts.append(alert)
        self.news.set()

    async def is_ours(self, _target: str) -> bool:
        self.owned.set()
        return self.ours

    def pulse(self, _target: str, address: Address) -> Pulse | None:
        self.asked.set()
        return self.pulses[address]

    def hurry(self, target: str) -> None:
        """They are as they are."""

    async def look(self, _action: str, _target: str, _options: Mapping[str, str], _progress: Progress) -> Seen:
        snapshot = healthy()
        for number in (1, 2, 3):
            snapshot = with_opinion(snapshot, number, failover_timeout_ms=10)
        return Seen(snapshot, diagnose(snapshot))

    def watched(self) -> Failovers:
        watched = Failovers(self.look, cast("Teller", self))
        watched.ask(self)
        return watched


async def soon(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), 60)
    event.clear()


async def test_a_master_that_was_held_to_be_down_before_a_failover_is_judged_anew(monkeypatch):
    monkeypatch.setattr(failovers, "SOON_S", 0.0)
    monkeypatch.setattr(failovers, "STEP_S", 0.01)
    world = World()
    world.ours = True
    watched = world.watched()
    try:
        watched.held("orders", FORMER)
        await soon(world.news)
        watched.moved("orders", FORMER, MASTER)
        await soon(world.owned)
        world.asked.clear()
        watched.sign("orders", FORMER)  # It is master again, and answers after all.
        await soon(world.asked)
        assert [alert.name for alert in world.alerts] == ["FailoverOverdue"]
    finally:
        await watched.aclose()


@pytest.mark.parametrize("said", [[AS_REPLICA, AS_MASTER], [AS_MASTER]])
@pytest.mark.parametrize(("age_s", "told"), [(5, ["FailoverByOthers"]), (600, [])])
async def test_a_failover_that_a_sentinel_tells_late_is_not_told_again(said, age_s, told):
    world = World()
    for info in said:
        world.pulses[MASTER].heard(datetime.now(UTC) - timedelta(seconds=age_s), info)
    watched = world.watched()
    try:
        watched.moved("orders", FORMER, MASTER)
        await soon(world.news if told else world.asked)
        assert [alert.name for alert in world.alerts] == told
    finally:
        await watched.aclose()


async def test_a_promotion_behind_the_sentinels_is_not_told_as_theirs(monkeypatch):
    monkeypatch.setattr(failovers, "ALIVE", timedelta(minutes=5))
    world = World()
    world.pulses[MASTER].heard(datetime.now(UTC), AS_MASTER)
    watched = world.watched()
    try:
        watched.moved("orders", MASTER, FORMER)
        await soon(world.news)
        watched.named("orders", MASTER, FORMER)
        await soon(world.news)
        assert [alert.name for alert in world.alerts] == ["PromotedByOthers", "FailoverByOthers"]
        assert f"{MASTER} still answered as a master when {FORMER} became one." in world.alerts[0].summary
    finally:
        await watched.aclose()


@pytest.mark.parametrize(
    ("ordered", "alert", "said"),
    [
        (True, "FailoverByCommand", f"the Sentinel {SENTINEL} did not hold {FORMER} to be down (no +odown)."),
        (False, "AutomaticFailover", ""),
        (None, "FailoverByOthers", "Whether it came by itself or by a command was not seen."),
    ],
)
async def test_a_failover_is_told_as_ordered_or_automatic_only_where_that_was_heard(ordered, alert, said):
    world = World()
    world.pulses[MASTER].heard(datetime.now(UTC), AS_MASTER)
    watched = world.watched()
    try:
        watched.led("orders", FORMER, Led(SENTINEL, ordered=ordered is not False))
        watched.given_up("orders", FORMER, MASTER)  # Another one, which was not elected.
        if ordered is None:
            watched.given_up("orders", FORMER, SENTINEL)
        watched.named("orders", FORMER, MASTER)
        await soon(world.news)
        [told] = world.alerts
        assert told.name == alert
        assert told.summary.endswith(said)
        assert ("command" in told.summary) is (ordered is not False)
    finally:
        await watched.aclose()


async def test_an_old_master_that_comes_back_does_not_shorten_what_was_missed():
    world, now = World(), datetime.now(UTC)
    world.pulses[FORMER].heard(now - timedelta(seconds=30), AS_MASTER)
    for info in (AS_REPLICA, AS_MASTER):
        world.pulses[MASTER].heard(now, info)
    watched = world.watched()
    try:
        watched.moved("orders", FORMER, MASTER)
        world.pulses[FORMER].heard(datetime.now(UTC), AS_MASTER)
        await soon(world.news)
        assert "For at most 30." in world.alerts[0].summary
    finally:
        await watched.aclose()
