"""An incident while Slack is away: two people at terminals, the bot carries it out, the channel catches up."""

import asyncio
import json
import os
import re
import sqlite3
from contextlib import closing

import pytest

from sandbox.redis import Topology
from sandbox.slack import LocalSlack
from tests.bot.cli.conftest import PROGRAM, Terminal
from tests.bot.slack.conftest import INCIDENT, House, asked, saying, targets, whispered

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


def rows(house: House, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(house.folder / "tandem.db")) as ledger:
        return ledger.execute(query).fetchall()


async def at_a_terminal(slack: LocalSlack, house: House, user: str) -> Terminal:
    """The terminal of somebody who has just typed /redis token; it has the bot's own settings."""
    await slack.person(user).types(INCIDENT, "/redis token")
    shown = await slack.waits_for(lambda: whispered(slack, user, "Your token for the terminal"))
    terminal = Terminal(house.folder).of(re.findall(r"tandem_[0-9a-f]+", shown.plain())[0])
    terminal.environment |= {"TANDEM_SLACK_API_URL": slack.api_url, "TANDEM_SLACK_BOT_TOKEN": slack.bot_token}
    # The bot, which is there, has it first, however slow the machine is.
    terminal.program = f"from bot.cli import following; following.LEFT_TO_OTHERS_S = 90; {PROGRAM}"
    return terminal


async def test_an_incident_from_two_terminals_while_slack_is_away(
    slack: LocalSlack, redis: Topology, house: House
) -> None:
    house.keep(targets(redis))
    async with house.bot():
        oncall, lead = [await at_a_terminal(slack, house, user) for user in ("U0ONCALL", "U0LEAD")]
        async with asyncio.timeout(90):
            while len(rows(house, "SELECT id FROM people")) < 3:
                await asyncio.sleep(0.05)
        old = await redis.master()
        await slack.switch_off()

        filed = await oncall.types("request failover orders --reason slow --json")
        assert filed.code == 4, filed.err
        assert "Slack gives no answer: who may do what is as it said at " in filed.err
        assert {one["id"] for one in filed.json["can_approve"]} == {"U0LEAD", "U0SECOND"}
        done = await lead.types(f"approve {filed.json['id']} --yes --json")
        assert (done.code, done.json["run"]["state"]) == (0, "done"), done.err
        told = {line.split(".")[0] for line in done.err.splitlines() if ": done" in line or ": already" in line}
        assert told == {str(number) for number in range(1, len(done.json["run"]["steps"]) + 1)}, "step by step"
        assert await redis.master() is not old
        began = rows(house, "SELECT details FROM audit WHERE kind = 'run.began'")
        assert f":{os.getpid()}:" in json.loads(began[0][0])["owner"], "the bot that was there has carried it out"
        assert saying(slack, "failover orders") is None

        await slack.switch_on()
        await slack.waits_for(lambda: saying(slack, "failover orders: done and proven"), within=60)
        card = await slack.waits_for(lambda: saying(slack, "Approved by <@U0LEAD> in a terminal"))
        assert "asked for by <@U0ONCALL> in a terminal" in card.plain()


async def test_what_is_asked_for_in_the_one_is_decided_in_the_other(
    slack: LocalSlack, redis: Topology, house: House
) -> None:
    house.keep(targets(redis))
    async with house.bot():
        oncall, lead = [await at_a_terminal(slack, house, user) for user in ("U0ONCALL", "U0LEAD")]
        card = await asked(slack)
        request_id = rows(house, "SELECT id FROM requests")[0][0]
        own = await oncall.says(f"approve {request_id} --yes")
        assert (own.code, own.out) == (3, "")
        assert "a second person has to decide" in own.err
        denied = await lead.says(f"deny {request_id} --reason later")
        assert denied.code == 0, denied.err
        await slack.waits_for(lambda: "Denied by <@U0LEAD> in a terminal" in slack.message(INCIDENT, card.ts).plain())

        again = await lead.says("request failover orders --json")
        assert again.code == 4, again.err
        card = await slack.waits_for(lambda: saying(slack, again.json["id"]))
        await slack.person("U0LEAD").clicks(card, "approve")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "a second person"))
        slack.faults.deactivate("U0LEAD")
        gone = await lead.says(f"withdraw {again.json['id']}")
        assert (gone.code, gone.out) == (3, "")
        assert "lead (U0LEAD) is deactivated" in gone.err
        assert rows(house, "SELECT revoked_why FROM tokens WHERE person_id = 'U0LEAD'") == [
            ("since the account is deactivated",)
        ]
