"""What is made of what Sentinels say, and of one that says nothing."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest

from actions.adapters.redis.probing import Beat
from actions.kit.errors import AccessDenied, Unreachable
from actions.kit.pulse import Pulse
from actions.kit.sentinel_events import SentinelEvent
from actions.kit.topology import Address, Kind, Target
from bot.alerts import sentinels
from bot.alerts.mapping import Places
from bot.alerts.nodes import NodeWatch
from bot.alerts.sentinels import SentinelWatch
from bot.fleet import Fleet

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
