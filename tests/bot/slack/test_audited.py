"""The audit in Slack: one request as a file for the post-mortem, and whether every row is as it was written."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.slack import LocalSlack, Message
from tests.bot.slack.conftest import INCIDENT, House, saying, whispered
from tests.bot.slack.test_typed_decisions import card_of

pytestmark = pytest.mark.usefixtures("harmless_actions")


def in_thread(slack: LocalSlack, message: Message) -> list[Message]:
    return [one for one in slack.messages(INCIDENT, thread_ts=message.ts) if one.ts != message.ts]


def tamper(file: Path) -> None:
    with closing(sqlite3.connect(file, timeout=60)) as ledger:
        ledger.executescript("DROP TRIGGER audit_no_update; UPDATE audit SET who_name = 'nobody' WHERE number = 2;")


async def test_a_request_is_told_as_a_file_and_a_row_that_was_changed_is_named(slack: LocalSlack, house: House) -> None:
    lead = slack.person("U0LEAD")
    async with house.bot():
        card, request = await card_of(slack)
        await lead.clicks(card, "approve")
        await slack.waits_for(lambda: saying(slack, "restart orders: done and proven"))
        await lead.types(INCIDENT, f"/redis timeline {request.lower()}")
        shown = await slack.waits_for(lambda: saying(slack, "restart orders: time line"))
        assert "Approved by <@U0LEAD>" in shown.plain()
        assert "of the audit, in order" in shown.plain()
        await slack.waits_for(lambda: in_thread(slack, shown))
        [file] = slack.world.files.values()
        assert file.name == f"{request}.md"
        text = (file.content or b"").decode()
        assert text.startswith(f"# {request}: restart orders")
        assert "lead (U0LEAD) | approved it" in text.replace("\\", "")

        await lead.types(INCIDENT, "/redis audit")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "The audit is in order: "))
        await asyncio.to_thread(tamper, house.folder / "tandem.db")  # The bot's own turn has to be able to end.
        await lead.types(INCIDENT, "/redis audit")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", ":rotating_light:"))


async def test_where_the_file_cannot_be_uploaded_the_thread_says_so(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        card, request = await card_of(slack)
        slack.faults.fail("files.getUploadURLExternal", error="missing_scope")
        await slack.person("U0LEAD").types(INCIDENT, f"/redis timeline {request}")
        shown = await slack.waits_for(lambda: saying(slack, "restart orders: time line"))
        [missing] = await slack.waits_for(lambda: in_thread(slack, shown))
        assert f"{request}.md is missing here. The app lacks a right" in missing.plain()
        assert slack.message(INCIDENT, card.ts).buttons() == card.buttons()
