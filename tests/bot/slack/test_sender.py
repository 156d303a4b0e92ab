"""The outbox before a Slack that is slow, full, tidied up or gone: each message once, in its newest state."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from actions.kit.loop import Ending, Outcome
from bot.ledger import Origin, Person
from bot.slack.sender import resting_s
from sandbox.slack import LocalSlack, Message
from tests.bot.ledger.given import LEAD
from tests.bot.slack.conftest import INCIDENT, MANIFEST, judge_everything, saying
from tests.bot.slack.stage import DONE, REST_S, Process, process


@pytest.fixture
async def here(slack: LocalSlack, tmp_path: Path) -> AsyncIterator[Process]:
    async with process(slack, tmp_path) as made:
        yield made


def calls(slack: LocalSlack, method: str, ts: str | None = None) -> list[float]:
    return [one.at for one in slack.calls if one.method == method and (ts is None or one.args.get("ts") == ts)]


def thread(slack: LocalSlack, message: Message) -> str:
    return "\n".join(one.plain() for one in slack.messages(message.channel, thread_ts=message.ts))


def told(slack: LocalSlack, text: str) -> Message | None:
    """What the requester reads in a direct message."""
    return saying(slack, text, slack.person("U0ONCALL").direct_messages)


async def test_a_run_from_its_card_to_its_transcript_each_message_once(slack: LocalSlack, here: Process) -> None:
    request = await here.asked()
    card = await slack.waits_for(lambda: saying(slack, "tune orders: destructive"))
    assert "3 people can approve, 1 is active. <@U0LEAD>" in card.plain()
    run = await here.begins(request)
    await slack.waits_for(lambda: "was approved by <@U0LEAD>" in thread(slack, card))
    await run.does(0)
    await run.does(1)
    await run.ends()
    done = await slack.waits_for(lambda: saying(slack, "tune orders: done and proven"))
    await slack.waits_for(lambda: "Transcript of" in thread(slack, done))
    assert [one.ts for one in slack.messages(INCIDENT)] == [card.ts, done.ts]
    assert thread(slack, done).startswith(":white_check_mark: <@U0ONCALL>: `tune orders` is done and proven.")


async def test_many_changes_are_few_updates_and_the_last_one_is_shown(slack: LocalSlack, here: Process) -> None:
    run, shown = await here.running(steps=40)
    for index in range(40):
        await run.does(index)
    await run.ends()
    await slack.waits_for(lambda: "done and proven" in slack.message(INCIDENT, shown.ts).plain())
    times = calls(slack, "chat.update", shown.ts)
    assert len(times) >= 2
    assert all(later - sooner > REST_S * 0.75 for sooner, later in itertools.pairwise(times))


async def test_a_full_slack_is_asked_again_when_it_says_also_by_the_next_process(
    slack: LocalSlack, tmp_path: Path
) -> None:
    async with process(slack, tmp_path) as first:
        slack.faults.rate_limit("chat.postMessage", retry_after=3)
        for _ in range(5):
            await first.asked()
        await slack.waits_for(lambda: calls(slack, "chat.postMessage"))
        for _ in range(5):
            await first.asked()
    times = calls(slack, "chat.postMessage")
    assert len([at for at in times if at - times[0] < 2.5]) <= 5, "who was refused holds the others back"
    async with process(slack, tmp_path):
        await slack.waits_for(lambda: len(slack.messages(INCIDENT)) == 10)
    times = calls(slack, "chat.postMessage")
    assert len(times) == 11
    assert max(times) - times[0] > 2.5


async def test_a_storm_of_refusals_delays_and_drops_nothing(slack: LocalSlack, here: Process) -> None:
    slack.faults.rate_limit("chat.postMessage", times=5, retry_after=0)
    slack.faults.rate_limit("chat.update", times=5, retry_after=0)
    slack.faults.fail("chat.postMessage", error="internal_error", times=1)
    slack.faults.fail("chat.update", error="service_unavailable", times=1)
    run, shown = await here.running()
    await run.ends()
    await slack.waits_for(lambda: "done and proven" in slack.message(INCIDENT, shown.ts).plain())
    await slack.waits_for(lambda: len(slack.messages(INCIDENT, thread_ts=shown.ts)) == 2)


async def test_a_deleted_message_is_posted_once_more_and_then_only_the_requester_reads_it(
    slack: LocalSlack, here: Process
) -> None:
    run, shown = await here.running()
    slack.faults.delete_message(INCIDENT, shown.ts)
    await run.does(0)
    again = await slack.waits_for(lambda: saying(slack, "tune orders: running"))
    assert again.ts != shown.ts
    await run.begins(1)
    await slack.waits_for(lambda: calls(slack, "chat.update", again.ts))
    slack.faults.delete_message(INCIDENT, again.ts)
    await run.ends()
    end = await slack.waits_for(lambda: told(slack, "tune orders: done and proven"))
    await slack.waits_for(lambda: "Transcript of" in thread(slack, end))
    assert saying(slack, "done and proven") is None, "somebody does not want it here"


@pytest.mark.parametrize("code", ["is_archived", "not_in_channel"])
async def test_a_channel_that_closes_is_left_alone_and_the_requester_reads_on(
    slack: LocalSlack, here: Process, code: str
) -> None:
    run, shown = await here.running()
    before = len(calls(slack, "chat.update", shown.ts))
    (slack.faults.archive if code == "is_archived" else slack.faults.remove_bot)(INCIDENT)
    await run.does(0)
    said = await slack.waits_for(lambda: told(slack, f"can no longer be shown in its channel ({code})"))
    await run.does(1)
    await run.ends(Ending(Outcome.INCOMPLETE, ("It broke.",)))
    await slack.waits_for(lambda: told(slack, "tune orders: incomplete"))
    await slack.waits_for(lambda: "$ 127.0.0.1:6379> CONFIG SET setting-0 500" in thread(slack, said))
    assert len(slack.messages(said.channel)) == 1, "one message, brought up to date"
    assert len(calls(slack, "chat.update", shown.ts)) == before + 1, "nobody tries again"


async def test_a_card_that_nobody_can_see_is_said_to_the_requester(slack: LocalSlack, here: Process) -> None:
    slack.faults.remove_bot(INCIDENT)
    await here.asked()
    said = await slack.waits_for(lambda: told(slack, "(not_in_channel)"))
    assert "/invite @tandem" in said.plain()


async def test_a_person_who_is_gone_is_told_no_more(slack: LocalSlack, here: Process) -> None:
    slack.faults.fail("chat.postMessage", error="user_not_found")
    await here.ledger.outbox.told("U0GONE", "You are late.")
    await here.ledger.outbox.told("U0ONCALL", "Ask <@U0LEAD>, <!channel>.")
    said = await slack.waits_for(lambda: told(slack, "Ask <@U0LEAD>, &lt;!channel&gt;."))
    assert saying(slack, "late", "DGONE") is None
    assert said is not None


async def test_what_ends_without_a_run_is_told_below_the_card(slack: LocalSlack, here: Process) -> None:
    request = await here.asked()
    await here.ledger.decide(request.id, LEAD, "deny", "Not <!channel> now.")
    card = await slack.waits_for(lambda: saying(slack, "Denied by <@U0LEAD>"))
    await slack.waits_for(lambda: "<@U0ONCALL>: " in thread(slack, card))
    assert "was denied by <@U0LEAD>: Not &lt;!channel&gt; now." in thread(slack, card)
    voided = await here.begins(await here.asked())
    await here.ledger.void(voided.lease, ("The master moved.", "Its run id is another one."))
    drift = await slack.waits_for(lambda: saying(slack, "the approval is void"))
    assert "The master moved.\nIts run id is another one." in drift.plain()
    await slack.waits_for(lambda: saying(slack, "Void, nothing was done"))


async def test_what_a_terminal_wrote_appears_with_who_and_from_where(slack: LocalSlack, tmp_path: Path) -> None:
    oncall, lead = Person("U0ONCALL", "oncall", Origin.TERMINAL), Person("U0LEAD", "lead", Origin.TERMINAL)
    async with process(slack, tmp_path), process(slack, tmp_path, sends=False) as terminal:
        request = await terminal.asked(by=oncall)
        card = await slack.waits_for(lambda: saying(slack, "asked for by <@U0ONCALL> in a terminal"))
        run = await terminal.begins(request, lead)
        await slack.waits_for(lambda: "Approved by <@U0LEAD> in a terminal <!date^" in thread_or(slack, card))
        await run.does(0)
        await slack.waits_for(lambda: saying(slack, "approved by <@U0LEAD> in a terminal"))


def thread_or(slack: LocalSlack, message: Message) -> str:
    return slack.message(message.channel, message.ts).plain()


async def test_after_an_hour_without_slack_only_the_newest_state_is_shown(slack: LocalSlack, here: Process) -> None:
    await slack.switch_off()
    run = await here.begins(await here.asked())
    for index in range(2):
        await run.does(index)
        await asyncio.sleep(0.2)
    await run.ends()
    await slack.switch_on()
    done = await slack.waits_for(lambda: saying(slack, "tune orders: done and proven"))
    await slack.waits_for(lambda: "Transcript of" in thread(slack, done))
    card, shown = slack.messages(INCIDENT)
    assert "Approved by <@U0LEAD>" in card.plain()
    assert thread(slack, card) == "", "that it was going to begin is no news any more"
    assert (card.edited, shown.edited) == (False, False)


async def test_several_senders_show_each_message_once(slack: LocalSlack, tmp_path: Path) -> None:
    async with process(slack, tmp_path) as one, process(slack, tmp_path) as other, process(slack, tmp_path):
        for number in range(12):
            await (one, other)[number % 2].asked()
        await one.ledger.outbox.announced("*", "All is well.")
        await slack.waits_for(lambda: len(slack.messages(INCIDENT)) >= 13)
        await asyncio.sleep(1)
    assert len(slack.messages(INCIDENT)) == 13
    assert saying(slack, "All is well.") is not None


async def test_one_call_that_hangs_keeps_no_other_request_waiting(slack: LocalSlack, here: Process) -> None:
    hanging = slack.faults.hold_next("chat.postMessage")
    await here.asked()
    await hanging.met.wait()
    request = await here.asked()
    await here.begins(request)
    card = await slack.waits_for(lambda: saying(slack, "Approved by <@U0LEAD>"))
    await slack.waits_for(lambda: "was approved by" in thread(slack, card))
    assert len(slack.messages(INCIDENT)) == 1
    hanging.go.set()
    await slack.waits_for(lambda: len(slack.messages(INCIDENT)) == 2)


async def test_who_was_too_slow_takes_its_copy_back(
    slack: LocalSlack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = slack.faults.hold_next("chat.postMessage")
    async with process(slack, tmp_path) as slow:
        with monkeypatch.context() as patch:
            patch.setattr("bot.ledger.outbox.LEASE", timedelta(seconds=0.5))
            await slow.asked()
            await hanging.met.wait()
        async with process(slack, tmp_path):
            await slack.waits_for(lambda: saying(slack, "tune orders: destructive"))
            hanging.go.set()
            await slack.waits_for(lambda: calls(slack, "chat.delete"))
    assert len(calls(slack, "chat.postMessage")) == 2
    assert len(slack.messages(INCIDENT)) == 1


async def test_another_process_goes_on_with_the_same_messages(slack: LocalSlack, tmp_path: Path) -> None:
    async with process(slack, tmp_path) as first:
        run, shown = await first.running()
    async with process(slack, tmp_path, sends=False) as terminal:
        await terminal.ledger.end(run.lease, DONE)
    async with process(slack, tmp_path):
        await slack.waits_for(lambda: "done and proven" in slack.message(INCIDENT, shown.ts).plain())
        await slack.waits_for(lambda: "Transcript of" in thread(slack, shown))
    assert len(slack.messages(INCIDENT)) == 2


async def test_an_answer_that_is_lost_may_post_twice_where_nobody_may_look(slack: LocalSlack, here: Process) -> None:
    slack.faults.lose_answer("chat.postMessage")
    await here.asked()
    await slack.waits_for(lambda: len(slack.messages(INCIDENT)) == 2)
    assert len({one.plain() for one in slack.messages(INCIDENT)}) == 1


async def test_an_answer_that_is_lost_posts_nothing_twice_where_the_bot_may_read(tmp_path: Path) -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())
    manifest["oauth_config"]["scopes"]["bot"].append("channels:history")
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(manifest))
    async with LocalSlack(path) as slack, process(slack, tmp_path) as here:
        slack.faults.lose_answer("chat.postMessage", times=2)
        request = await here.asked()
        card = await slack.waits_for(lambda: saying(slack, "tune orders: destructive"))
        await here.ledger.decide(request.id, LEAD, "deny", "no")
        await slack.waits_for(lambda: "Denied by" in slack.message(INCIDENT, card.ts).plain())
        await slack.waits_for(lambda: calls(slack, "conversations.replies"))
        await slack.waits_for(lambda: len(calls(slack, "chat.update")) >= 2)
        assert len(slack.messages(INCIDENT)) == len(slack.messages(INCIDENT, thread_ts=card.ts)) == 1
        judge_everything(slack)


@pytest.mark.parametrize(("waiting", "rests_s"), [(0, 1.5), (1, 1.5), (10, 15), (500, 60)])
def test_the_more_wait_the_longer_a_message_rests_but_news_never_for_long(waiting: int, rests_s: float) -> None:
    assert resting_s(1.5, waiting) == rests_s
