"""Who is who in a terminal: Slack's word while it gives one, else what it said last, and not for ever."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bot.cli.directory import TerminalDirectory
from bot.directory import Human, LookupFailed
from bot.ledger.people import Heard
from bot.slack.client import Introduction, new_session, web_client
from bot.slack.directory import SlackDirectory
from sandbox.slack import LocalSlack
from sandbox.slack.manifest import own_manifest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR, DAY = NOW - timedelta(hours=1), NOW - timedelta(days=1, seconds=1)
HEARD = Heard(
    humans={"U0LEAD": (Human("U0LEAD", "lead as it was"), HOUR), "U0SECOND": (Human("U0SECOND", "second"), DAY)},
    groups={"S0REDISOPS": (("U0LEAD",), HOUR - timedelta(minutes=1)), "S0GONE": (("U0LEAD",), HOUR)},
    now=NOW,
)


class Forgetful:
    def person(self, human):
        pass

    def group(self, group_id, members):
        pass


@asynccontextmanager
async def directory():
    async with LocalSlack(own_manifest()) as slack, new_session() as session:
        client = web_client(session, slack.api_url, slack.bot_token)
        live = SlackDirectory(client, Introduction(client), Forgetful())
        yield slack, TerminalDirectory(live, HEARD, timedelta(days=1))


async def test_slack_s_word_counts_while_it_gives_one():
    async with directory() as (slack, people):
        assert (await people.user("U0LEAD")).name == "lead"
        assert await people.group_members("S0REDISOPS") == ("U0ONCALL", "U0LEAD", "U0SECOND")
        slack.faults.deactivate("U0SECOND")
        assert (await people.user("U0SECOND")).is_deleted
        with pytest.raises(LookupFailed, match="S0GONE: no_such_subteam"):
            await people.group_members("S0GONE")
        assert people.as_of is None


async def test_while_it_is_silent_what_it_said_last_counts_for_so_long():
    async with directory() as (slack, people):
        slack.faults.fail("users.info", error="internal_error")
        assert (await people.user("U0LEAD")).name == "lead as it was"
        assert people.as_of == HOUR
        assert await people.group_members("S0REDISOPS") == ("U0LEAD",), "it is not waited for again"
        assert people.as_of == HOUR - timedelta(minutes=1), "the oldest answer that was gone by"
        with pytest.raises(LookupFailed, match="no answer, and what it last said of U0SECOND is of 2026-01-01"):
            await people.user("U0SECOND")
        with pytest.raises(LookupFailed, match="the ledger does not know what it last said of U0ONCALL"):
            await people.user("U0ONCALL")
        assert [call.method for call in slack.calls].count("usergroups.users.list") == 0
