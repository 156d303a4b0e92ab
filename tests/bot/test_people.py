"""The memory of people is kept fresh from Slack, in the background, and outlives Slack's silence."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from actions.kit.errors import Refused
from bot.fleet import Fleet, People
from bot.ledger import Person
from bot.people import Keeper, Memory
from bot.slack.client import Introduction, new_session, web_client
from bot.slack.directory import SlackDirectory
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest
from tests.bot.ledger.given import ONCALL, Clock, ledger_in

NAMED = {"orders": People(usergroup="S0REDISOPS", users=("U0GUEST",)), "carts": People(users=("U0NOBODY",))}


@asynccontextmanager
async def kept(slack, folder, clock):
    """A keeper that asks ten times a second, and its ledger."""
    async with ledger_in(folder, clock=clock) as ledger, new_session() as session:
        client = web_client(session, slack.api_url, slack.bot_token)
        memory = Memory(ledger)
        directory = SlackDirectory(client, Introduction(client), memory)
        keeper = Keeper(ledger, memory, directory, Fleet({}, {}, NAMED, NAMED))
        keeper.start(every_s=0.1)
        try:
            yield ledger
        finally:
            await keeper.aclose()


async def until(ledger, condition):
    async with asyncio.timeout(90):
        while not condition(heard := await ledger.people.heard()):
            await asyncio.sleep(0.02)
    return heard


async def test_everybody_who_is_named_and_who_has_a_token_is_remembered(tmp_path):
    async with LocalSlack(own_manifest()) as slack, kept(slack, tmp_path, Clock()) as ledger:
        heard = await until(ledger, lambda heard: len(heard.humans) == 4)
        assert {id_: human.is_guest for id_, (human, _) in heard.humans.items()} == {
            "U0ONCALL": False,
            "U0LEAD": False,
            "U0SECOND": False,
            "U0GUEST": True,
        }, "one whom Slack does not know keeps nobody else from being asked about"
        assert heard.groups["S0REDISOPS"][0] == ("U0ONCALL", "U0LEAD", "U0SECOND")
        await ledger.tokens.issue(Person("U0DEV", "dev"), timedelta(hours=1))
        await until(ledger, lambda heard: "U0DEV" in heard.humans)


async def test_a_deactivated_account_loses_its_tokens_within_a_round(tmp_path):
    clock = Clock()
    async with LocalSlack(own_manifest()) as slack, kept(slack, tmp_path, clock) as ledger:
        issued = await ledger.tokens.issue(ONCALL, timedelta(hours=1))
        await until(ledger, lambda heard: "U0ONCALL" in heard.humans)
        slack.faults.deactivate("U0ONCALL")
        clock.passes(minutes=1)
        heard = await until(ledger, lambda heard: heard.humans["U0ONCALL"][0].is_deleted)
        assert heard.humans["U0ONCALL"][1] == clock.now
        with pytest.raises(Refused, match="since the account is deactivated"):
            await ledger.tokens.use(issued.secret)


async def test_what_slack_said_is_kept_while_it_is_silent(tmp_path):
    clock = Clock()
    async with LocalSlack(own_manifest()) as slack, kept(slack, tmp_path, clock) as ledger:
        before = await until(ledger, lambda heard: len(heard.humans) == 4)
        slack.faults.fail("users.info", error="internal_error", times=1000)
        slack.faults.fail("usergroups.users.list", error="internal_error", times=1000)
        clock.passes(minutes=5)
        asked = len(slack.calls)
        await slack.waits_for(lambda: len(slack.calls) > asked + 3)
        after = await ledger.people.heard()
        assert (after.humans, after.groups) == (before.humans, before.groups)
