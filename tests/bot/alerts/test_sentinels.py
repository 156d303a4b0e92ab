"""What is made of what Sentinels say, and of one that says nothing."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest

from actions.adapters.redis.probing import Beat
from actions.kit.errors import AccessDenied, Unreachable
from actions.kit.pulse import Pulse
from actions.kit.sentinel_events import LISTENING, Instance, SentinelEvent
from actions.kit.topology import Address, Kind, Target
from bot.alerts import sentinels
from bot.alerts.failovers import Failovers, Led
from bot.alerts.mapping import Places
from bot.alerts.nodes import NodeWatch
from bot.alerts.sentinels import SentinelWatch
from bot.alerts.telling import Teller
from bot.fleet import Fleet
from bot.ledger.incident_records import Alert

MASTER, SENTINEL = Address("10.0.0.1", 6379), Address("10.0.0.9", 26379)
ORDERS = Target("orders", Kind.SENTINEL, master_name="mymaster", sentinels=(SENTINEL,))


async def test_a_missing_right_is_logged_when_it_changes_and_not_each_time_that_it_is_missed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sentinels, "AGAIN_S", 0.001)
    caplog.set_level(logging.INFO)
    calls, enough = 0, asyncio.Event()

    async def events(*_: object) -> AsyncGenerator[SentinelEvent]:
        nonlocal calls
        calls += 1
        if calls == 6:
            enough.set()
        yield SentinelEvent("+monitor", "mymaster")
        raise Unreachable("it is away.") if calls in {3, 4} else AccessDenied("NOPERM of its user.")

    watch = SentinelWatch([ORDERS], None, None, events, lambda *_: None)
    watch.start()
    try:
        await asyncio.wait_for(enough.wait(), 60)
    finally:
        await watch.aclose()
    words = [message.rsplit(": ")[-1] for message in caplog.messages]
    assert words == ["NOPERM of its user.", "it is away.", "it is away.", "NOPERM of its user."]


async def test_a_node_that_does_not_let_us_watch_it_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    fleet = Fleet({"orders": ORDERS}, {}, {}, {})
    watch = NodeWatch([ORDERS], None, None, 1.0, Places(fleet))
    watch._groups["orders"].pulses[MASTER] = Pulse()
    for _ in range(3):
        watch._told(Beat("orders", MASTER, refused="NOPERM this user has no permissions to run 'info'"))
    [line] = caplog.messages
    assert line.startswith(
        "the node 10.0.0.1:6379 of orders is not watched: it does not let Tandem in, or ask INFO: NO"
    )


DOWN, NOT_DOWN = "s_down,o_down,master", "master"


@pytest.mark.parametrize(
    ("heard", "ordered"),
    [
        ([(LISTENING, NOT_DOWN), "+try-failover", "+odown", "+elected-leader"], True),
        ([(LISTENING, NOT_DOWN), "+sdown", "+try-failover", "+elected-leader"], True),
        ([(LISTENING, NOT_DOWN), "+odown", "-odown", "+try-failover", "+elected-leader"], True),
        ([(LISTENING, NOT_DOWN), "+odown", "+try-failover", "-odown", "+elected-leader"], False),
        ([(LISTENING, DOWN), "+try-failover", "+elected-leader"], False),
        (["+odown", (LISTENING, NOT_DOWN), "+try-failover", "+elected-leader"], True),
        (["+try-failover", "+elected-leader"], None),
        (["+try-failover", (LISTENING, NOT_DOWN), "+elected-leader"], None),
    ],
)
async def test_a_sentinel_that_begins_without_odown_was_told_to(
    heard: list[str | tuple[str, str]], ordered: bool | None
) -> None:
    told: list[bool] = []
    all_heard = asyncio.Event()

    class Noting(Failovers):
        def led(self, target: str, master: Address, led: Led) -> None:
            assert (target, master, led.sentinel) == ("orders", MASTER, SENTINEL)
            told.append(led.ordered)

        def held(self, target: str, master: Address) -> None:
            """Nobody waits for it here."""

    class Mute(Teller):
        def tell(self, target: str, alert: Alert) -> None:
            """Nobody is told."""

        def look_again(self, target: str) -> None:
            """Nor looked at."""

    async def events(*_: object) -> AsyncGenerator[SentinelEvent]:
        for one in heard:
            name, details = one if isinstance(one, tuple) else (one, "")
            yield SentinelEvent(name, "mymaster", Instance.MASTER, MASTER, details=details)
        all_heard.set()
        await asyncio.Event().wait()

    watch = SentinelWatch([ORDERS], Mute(None, None, None), Noting(None, None), events, lambda *_: None)
    watch.start()
    try:
        await asyncio.wait_for(all_heard.wait(), 60)
    finally:
        await watch.aclose()
    assert told == ([] if ordered is None else [ordered])
