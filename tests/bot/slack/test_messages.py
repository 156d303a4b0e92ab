"""Messages when Slack is slow, full, tidied up or gone: the last state gets out once, or the requester is told."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from bot import logs
from bot.ledger.records import Message as Place
from bot.ledger.records import RequestState, RunState
from bot.policy import Eligibility
from bot.render.blocks import notice
from bot.slack.client import new_session, web_client
from bot.slack.faults import report
from bot.slack.live import Budget
from bot.slack.messages import CannotPost, Messages
from bot.slack.reply import Reply
from bot.slack.tasks import Tasks
from bot.slack.view import SlackView
from sandbox.slack import LocalSlack, Message
from tests.bot.slack.conftest import INCIDENT, saying
from tests.bot.slack_requests import approved, request, running

CROWD = Eligibility(3, ("U0LEAD",))


class Places:
    """What the ledger keeps of messages."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    async def remember_message(self, request_id: str, channel: str, ts: str) -> None:
        self.seen.append((request_id, channel, ts))


class Stage:
    """A view of its own on the local Slack, with a short interval."""

    def __init__(self, slack: LocalSlack, session: aiohttp.ClientSession) -> None:
        self.session, self.places, self.tasks = session, Places(), Tasks()
        self.messages = Messages(web_client(session, slack.api_url, slack.bot_token), "tandem")
        self.view = self.anew()

    def anew(self) -> SlackView:
        """As another process would have it."""
        return SlackView(self.messages, self.places, self.tasks, {}, Budget(0.2))


@pytest.fixture
async def stage(slack: LocalSlack) -> AsyncIterator[Stage]:
    async with new_session() as session:
        made = Stage(slack, session)
        yield made
        await made.tasks.aclose()


def updates(slack: LocalSlack, ts: str) -> list[float]:
    return [one.at for one in slack.calls if one.method == "chat.update" and one.args.get("ts") == ts]


async def begun(slack: LocalSlack, stage: Stage) -> Message:
    """The message of a run that has begun."""
    await stage.view.requested(request(), CROWD)
    await stage.view.decided(approved())
    await stage.view.progressed(running(0))
    return await slack.waits_for(lambda: saying(slack, "failover orders: running"))


async def test_many_changes_are_few_updates_and_the_last_one_is_shown(slack: LocalSlack, stage: Stage) -> None:
    shown = await begun(slack, stage)
    for upto in range(100):
        await stage.view.progressed(running(upto, steps=100))
        await asyncio.sleep(0.005)
    await stage.view.ended(running(100, RunState.DONE, steps=100))
    assert "done and proven" in slack.message(INCIDENT, shown.ts).plain()
    times = updates(slack, shown.ts)
    assert 2 <= len(times) < 20
    assert all(later - sooner > 0.15 for sooner, later in itertools.pairwise(times))


async def test_a_full_slack_is_waited_for_and_nothing_is_dropped(slack: LocalSlack, stage: Stage) -> None:
    shown = await begun(slack, stage)
    slack.faults.rate_limit("chat.update", times=2, retry_after=0)
    slack.faults.rate_limit("chat.postMessage", times=1, retry_after=0)
    await stage.view.ended(running(4, RunState.DONE))
    assert "done and proven" in slack.message(INCIDENT, shown.ts).plain()
    assert len(slack.messages(INCIDENT, thread_ts=shown.ts)) == 2


async def test_a_slack_that_fails_for_a_while_catches_up(slack: LocalSlack, stage: Stage) -> None:
    shown = await begun(slack, stage)
    slack.faults.fail("chat.update", error="internal_error", times=2)
    await stage.view.ended(running(4, RunState.DONE))
    assert "done and proven" in slack.message(INCIDENT, shown.ts).plain()


async def test_a_deleted_message_is_posted_once_more_and_its_place_kept(slack: LocalSlack, stage: Stage) -> None:
    shown = await begun(slack, stage)
    slack.faults.delete_message(INCIDENT, shown.ts)
    await stage.view.progressed(running(1))
    again = await slack.waits_for(lambda: saying(slack, "failover orders: running"))
    assert again.ts != shown.ts
    assert stage.places.seen[-1] == ("R-7F3K2", INCIDENT, again.ts)
    slack.faults.delete_message(INCIDENT, again.ts)
    await stage.view.ended(running(4, RunState.DONE))
    assert saying(slack, "done and proven") is None, "somebody does not want it here"
    direct = slack.person("U0ONCALL").direct_messages
    assert saying(slack, "done and proven", direct) is not None


async def test_an_archived_channel_is_left_alone_and_the_requester_told(slack: LocalSlack, stage: Stage) -> None:
    await begun(slack, stage)
    slack.faults.archive(INCIDENT)
    await stage.view.progressed(running(1))
    direct = slack.person("U0ONCALL").direct_messages
    await slack.waits_for(lambda: saying(slack, "can no longer be shown in its channel (is_archived)", direct))
    calls = len([one for one in slack.calls if one.method == "chat.update"])
    await stage.view.progressed(running(2))
    await stage.view.ended(running(4, RunState.DONE))
    assert saying(slack, "failover orders: done and proven", direct) is not None
    assert len([one for one in slack.calls if one.method == "chat.update"]) == calls


async def test_another_process_goes_on_with_the_same_message(slack: LocalSlack, stage: Stage) -> None:
    shown = await begun(slack, stage)
    made = running(4, RunState.INCOMPLETE)
    _, channel, ts = stage.places.seen[-1]
    await stage.anew().ended(replace(made, message=Place(channel, ts)))
    assert "incomplete" in slack.message(INCIDENT, shown.ts).plain()
    assert len([one for one in slack.messages(INCIDENT) if "failover orders: " in one.plain()]) == 2


async def test_a_card_that_cannot_be_posted_is_said_to_the_requester(slack: LocalSlack, stage: Stage) -> None:
    slack.faults.remove_bot(INCIDENT)
    await stage.view.requested(request(), CROWD)
    why = stage.view.why_unseen("R-7F3K2")
    assert why is not None
    assert "/invite @tandem" in str(why)


async def test_the_outcome_of_every_request_is_told_to_who_asked(slack: LocalSlack, stage: Stage) -> None:
    await stage.view.requested(request(), CROWD)
    card = await slack.waits_for(lambda: saying(slack, "destructive"))
    await stage.view.expired(request(RequestState.EXPIRED))
    thread = slack.messages(INCIDENT, thread_ts=card.ts)
    assert "<@U0ONCALL>: `R-7F3K2` has expired; nothing was done." in thread[0].plain()


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


async def test_the_end_reaches_the_requester_where_the_channel_never_took_the_run(
    slack: LocalSlack, stage: Stage
) -> None:
    await stage.view.requested(request(), CROWD)
    slack.faults.archive(INCIDENT)
    with pytest.raises(CannotPost):
        await stage.view.decided(approved())
    await stage.view.ended(running(4, RunState.DONE))
    direct = slack.person("U0ONCALL").direct_messages
    end = await slack.waits_for(lambda: saying(slack, "failover orders: done and proven", direct))
    assert "$ PING seen" in slack.messages(direct, thread_ts=end.ts)[0].plain()
    assert len([one for one in slack.messages(direct) if "can no longer be shown" in one.plain()]) <= 1


async def test_what_comes_at_the_end_outlasts_a_slack_that_is_full_for_long(
    slack: LocalSlack, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.messages.PATIENT_S", 0.01)
    shown = await begun(slack, stage)
    slack.faults.rate_limit("chat.postMessage", times=9, retry_after=0)
    await stage.view.ended(running(4, RunState.DONE))
    assert len(slack.messages(INCIDENT, thread_ts=shown.ts)) == 2


async def test_the_card_of_what_became_void_is_mended_after_a_restart(slack: LocalSlack, stage: Stage) -> None:
    await stage.view.requested(request(), CROWD)
    card = slack.messages(INCIDENT)[-1]
    void = replace(running(0, RunState.UNDONE), state=RequestState.VOID, message=Place(INCIDENT, card.ts))
    stage.anew().refresh(void)
    await slack.waits_for(lambda: "Void, nothing was done" in slack.message(INCIDENT, card.ts).plain())
