"""Freeze and thaw as people type them, and where the channel sees that a target is frozen."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path

from bot.ledger import Ledger
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered


async def test_a_freeze_is_told_to_the_channel_and_shown_until_it_is_thawed(slack: LocalSlack, house: House) -> None:
    oncall, lead, dev = (slack.person(user) for user in ("U0ONCALL", "U0LEAD", "U0DEV"))
    async with house.bot():
        await dev.types(INCIDENT, "/redis freeze --reason x")
        await slack.waits_for(lambda: whispered(slack, "U0DEV", "You may not freeze orders"))
        await oncall.types(INCIDENT, "/redis freeze --reason “release <!channel> day”")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "oncall has frozen orders"))
        await slack.waits_for(lambda: saying(slack, "<@U0ONCALL> has frozen orders: release"))

        for word in ("status", "health", "diagnose"):
            await oncall.types(INCIDENT, f"/redis {word}")
            shown = await slack.waits_for(lambda: saying(slack, "Frozen by <@U0ONCALL> since"))
            assert "/redis thaw orders" in shown.plain()
            slack.world.posts.clear()
        await oncall.opens_home()
        await slack.waits_for(lambda: oncall.home and "Frozen by <@U0ONCALL>" in oncall.home.plain())
        await oncall.types(INCIDENT, "/redis failover")
        refusal = await slack.waits_for(lambda: saying(slack, "failover orders: refused"))
        assert "orders is frozen by oncall since" in refusal.plain()

        await lead.types(INCIDENT, "/redis thaw orders")
        await slack.waits_for(lambda: saying(slack, "<@U0LEAD> has thawed orders, which oncall had frozen"))
    assert slack.broadcast_mentions == []


async def test_the_audit_is_told_once_of_each_other_settings_that_the_bot_starts_with(house: House) -> None:
    for cooldown_s in (900, 900, 60):
        house.keep(targets(None, limits={"cooldown_s": cooldown_s}))
        async with house.bot():
            pass
    ledger = await Ledger.open(f"sqlite+aiosqlite:///{house.folder / 'tandem.db'}")
    told = [json.loads(row.details) for row in await ledger.audit_trail() if row.kind == "policy.changed"]
    await ledger.aclose()
    assert [len(one["difference"]) > 1 for one in told] == [True, False]
    assert told[1]["difference"] == ["targets.orders.limits.cooldown_s: was 900, is now 60"]


def break_table(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file, timeout=60)) as database:
        database.execute("ALTER TABLE freezes RENAME TO gone")


async def test_with_the_ledger_broken_looking_goes_on_and_says_that_freezes_are_not_known(
    slack: LocalSlack, house: House
) -> None:
    async with house.bot():
        await asyncio.to_thread(break_table, house.folder / "tandem.db")  # The bot's own turn has to be able to end.
        await slack.person("U0ONCALL").types(INCIDENT, "/redis health")
        shown = await slack.waits_for(lambda: saying(slack, "orders: "))
        assert "Whether it is frozen is not known: The ledger" in shown.plain()
        await slack.person("U0ONCALL").types(INCIDENT, "/redis failover")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "The ledger"))
