"""Slack hears of a command, a click and a form within its three seconds, whatever hangs then: no ack waits for work."""

import asyncio
from typing import Any

import pytest

from bot.requests import Desk
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying

pytestmark = pytest.mark.usefixtures("harmless_actions")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Whatever the desk is asked to do waits for it."""
    opened = asyncio.Event()

    def held(real: Any) -> Any:
        async def waits(*words: Any, **more: Any) -> Any:
            await opened.wait()
            return await real(*words, **more)

        return waits

    for name in ("ask", "approve", "deny"):
        monkeypatch.setattr(Desk, name, held(getattr(Desk, name)))
    monkeypatch.setattr("bot.slack.clicks.STORED_WITHIN_S", 0.2)
    return opened


async def test_what_hangs_is_acked_and_answered_later(slack: LocalSlack, house: House, gate: asyncio.Event) -> None:
    oncall, lead, dev = (slack.person(user) for user in ("U0ONCALL", "U0LEAD", "U0DEV"))
    async with house.bot():
        assert (await oncall.types(INCIDENT, "/redis restart")).acked
        assert saying(slack, "restart orders: destructive") is None
        gate.set()
        card = await slack.waits_for(lambda: saying(slack, "restart orders: destructive"))

        gate.clear()
        assert (await dev.clicks(card, "deny")).acked
        form = await dev.waits_for_view("deny")
        assert (await dev.submits(form, {"reason.reason": "No."})).acked
        assert "takes longer than it should" in (await dev.waits_for_view("shown")).plain()
        assert (await lead.clicks(card, "approve")).acked
        assert slack.message(INCIDENT, card.ts) == card, "nothing is decided"
        gate.set()
        await slack.waits_for(lambda: saying(slack, "may not decide on requests for orders", dev.direct_messages))
        await slack.waits_for(lambda: "Approved by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())
