"""`/redis token`: shown once to its owner alone; whoever is no colleague gets none."""

import asyncio
import logging
import re
import sqlite3
from contextlib import closing

import pytest

from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, whispered


def tokens(house: House) -> list[tuple[str, bool]]:
    """Owner, and whether it is revoked."""
    with closing(sqlite3.connect(house.folder / "tandem.db")) as ledger:
        return ledger.execute("SELECT person_id, revoked_at IS NOT NULL FROM tokens ORDER BY issued_at").fetchall()


async def test_a_token_is_shown_once_to_its_owner_alone_and_is_ended_by_them(
    slack: LocalSlack, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    oncall = slack.person("U0ONCALL")
    async with house.bot():
        await oncall.types(INCIDENT, "/redis token --hours 2")
        shown = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "Your token for the terminal"))
        assert shown.ephemeral_for == "U0ONCALL"
        (secret,) = set(re.findall(r"tandem_[0-9a-f]{72}", shown.plain()))
        assert "You have 1 live token." in shown.plain()
        assert [one for one in slack.messages(INCIDENT, viewer="U0LEAD") if secret in one.plain()] == []
        assert tokens(house) == [("U0ONCALL", False)]

        await oncall.types(INCIDENT, "/redis token revok")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "type: /redis token [revoke] [--hours N]"))
        await oncall.types(INCIDENT, "/redis token revoke")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "revoked"))
        await oncall.types(INCIDENT, "/redis token revoke")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "You have no live token"))
    assert tokens(house) == [("U0ONCALL", True)]
    with closing(sqlite3.connect(house.folder / "tandem.db")) as ledger:
        kept = "\n".join(ledger.iterdump())
    assert "token.issued" in kept
    assert secret[7:] not in kept + caplog.text


async def test_a_guest_gets_none(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        await slack.person("U0GUEST").types(INCIDENT, "/redis token")
        await slack.waits_for(lambda: whispered(slack, "U0GUEST", "No token was issued. guest (U0GUEST) is a guest."))
    assert tokens(house) == []


async def test_one_that_could_not_be_shown_to_its_owner_alone_is_revoked(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        looking_up = slack.faults.hold_next("users.info")
        await slack.person("U0DEV").types("C0GENERAL", "/redis token")
        slack.world.response_urls.clear()
        looking_up.go.set()
        direct = slack.person("U0DEV").direct_messages
        await slack.waits_for(lambda: slack.messages(direct))
        assert "/invite @tandem" in slack.messages(direct)[0].plain()
        async with asyncio.timeout(60):
            while tokens(house) != [("U0DEV", True)]:
                await asyncio.sleep(0.05)
    assert not re.search("tandem_[0-9a-f]", slack.transcript(direct) + slack.transcript("C0GENERAL"))
