"""What people are told at once, by whichever way there is; and what the log keeps to itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from bot import logs
from bot.render.blocks import notice
from bot.slack.client import new_session, web_client
from bot.slack.faults import report
from bot.slack.messages import CannotPost, Messages
from bot.slack.reply import Reply
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT


@dataclass
class Stage:
    session: aiohttp.ClientSession
    messages: Messages


@pytest.fixture
async def stage(slack: LocalSlack) -> AsyncIterator[Stage]:
    async with new_session() as session:
        yield Stage(session, Messages(web_client(session, slack.api_url, slack.bot_token), "tandem"))


async def test_after_a_broken_connection_nothing_is_posted_twice_but_look_ups_are_repeated() -> None:
    calls: list[str] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append((await reader.readline()).decode().split()[1])
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server, new_session() as session:
        port = server.sockets[0].getsockname()[1]
        client = web_client(session, f"http://127.0.0.1:{port}/", "xoxb-1")
        with pytest.raises(CannotPost, match="Slack did not take the message"):
            await Messages(client, "tandem").post(INCIDENT, notice("once"))
        with pytest.raises(aiohttp.ClientError):
            await client.users_info(user="U0ONCALL")
    assert calls.count("/chat.postMessage") == 1
    assert calls.count("/users.info?user=U0ONCALL") > 1


async def test_a_response_url_that_is_used_up_is_replaced(slack: LocalSlack, stage: Stage) -> None:
    url = slack.world.new_response_url("commands", INCIDENT, "U0ONCALL")
    reply = Reply(stage.session, stage.messages, url, INCIDENT, "U0ONCALL")
    for number in range(7):
        await reply.whisper(notice(f"answer {number}"))
    assert len([one for one in slack.messages(INCIDENT) if one.ephemeral_for == "U0ONCALL"]) == 7
    assert len([one for one in slack.calls if one.method == "chat.postEphemeral"]) == 2


async def test_an_unexpected_error_is_an_id_for_the_person_and_all_in_the_log(
    slack: LocalSlack, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    reply = Reply(stage.session, stage.messages, None, INCIDENT, "U0ONCALL")
    with caplog.at_level(logging.ERROR):
        await report(ZeroDivisionError("secret inside"), reply, "test")
    [record] = caplog.records
    told = slack.messages(INCIDENT)[-1]
    assert told.ephemeral_for == "U0ONCALL"
    assert record.error_id in told.plain()
    assert "secret inside" not in told.plain()
    assert record.exc_info is not None


@pytest.mark.parametrize("formatter", [logs.Lines(), logs.JsonLines()])
def test_no_token_gets_into_the_log(formatter: logging.Formatter) -> None:
    record = logging.makeLogRecord(
        {"msg": "xoxb-1-2-abc %s", "args": ("xapp-1-A-2-b",), "levelname": "INFO", "url": "wss://x/?ticket=abc-d_e"}
    )
    line = formatter.format(record)
    for secret in ("xoxb", "xapp", "abc-d_e"):
        assert secret not in line
