"""What people type, and what they see: menu, help, look, mistakes, and where the bot may not speak."""

import logging
import sqlite3
from contextlib import closing

import pytest

from sandbox.redis import build, replication
from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered


async def test_the_menu_opens_and_its_buttons_do_what_they_say(slack: LocalSlack, house: House) -> None:
    two = targets(None)
    two["targets"]["carts"] = {"kind": "replication", "nodes": ["127.0.0.1:3"], "channels": [INCIDENT]}
    house.keep(two)
    oncall = slack.person("U0ONCALL")
    async with house.bot():
        await oncall.types(INCIDENT, "/redis")
        menu = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "What shall I do with *orders*?"))
        await oncall.chooses(menu, "menu:target", "carts")
        menu = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "What shall I do with *carts*?"))
        await oncall.clicks(menu, "diagnose")
        seen = await slack.waits_for(lambda: saying(slack, "carts: "))
        assert "Asked by <@U0ONCALL>" in seen.plain()
        assert "Connect" not in seen.text
        assert "refused" in house.thread(await slack.waits_for(lambda: house.thread(seen) and seen))


async def test_help_and_menu_leave_out_what_a_person_may_not_do(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        for user, may in (("U0ONCALL", True), ("U0DEV", False)):
            await slack.person(user).types(INCIDENT, "/redis help")
            page = await slack.waits_for(lambda user=user: whispered(slack, user, "What you can do here"))
            assert ("/redis failover" in page.plain()) is may
            assert ("/redis freeze" in page.plain()) is may
            await slack.person(user).types(INCIDENT, "/redis")
            menu = await slack.waits_for(lambda user=user: whispered(slack, user, "What shall I do"))
            assert ("failover" in [text for text, _, _ in menu.buttons()]) is may
        await slack.person("U0DEV").types(INCIDENT, "/redis failover")
        await slack.waits_for(lambda: whispered(slack, "U0DEV", "may not ask for changes"))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/redis diagnos orders", "did you mean"),
        ("/redis health ordres", "did you mean orders?"),
        ("/redis failover orders --too 10.0.0.1", "did you mean --to?"),
        ("/redis <!channel> *x* `y`", "There is no action"),
        ("/redis " + "x" * 10_000, "10,000 characters"),
        ("/redis show R-99999", "R-99999"),
        ("/redis help thaw", "`/redis thaw TARGET"),
    ],
)
async def test_mistakes_are_answered_with_what_was_meant(
    slack: LocalSlack, house: House, typed: str, told: str
) -> None:
    async with house.bot():
        assert (await slack.person("U0ONCALL").types(INCIDENT, typed)).acked
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", told))
    assert slack.broadcast_mentions == []


async def test_where_the_bot_is_not_a_member_the_person_sees_it_alone_and_how_to_invite(
    slack: LocalSlack, house: House
) -> None:
    house.keep(targets(None, channels=["C0GENERAL"]))
    async with house.bot():
        await slack.person("U0ONCALL").types("C0GENERAL", "/redis health orders")
        await slack.waits_for(lambda: saying(slack, "/invite @tandem", "C0GENERAL"))
        shown = saying(slack, "orders: ", "C0GENERAL")
        assert shown is not None
        assert shown.ephemeral_for == "U0ONCALL"


async def test_a_channel_sees_its_own_targets_only(slack: LocalSlack, house: House) -> None:
    slack.add_channel("C0OTHER", "other", members=["U0ONCALL"])
    async with house.bot():
        await slack.person("U0ONCALL").types("C0OTHER", "/redis health orders")
        answer = await slack.waits_for(lambda: saying(slack, "", "C0OTHER"))
        assert answer.ephemeral_for == "U0ONCALL"
        assert "There is no target 'orders' here" in answer.plain()


async def test_a_stranger_of_another_workspace_is_turned_away(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        await slack.person("U0ONCALL").types(INCIDENT, "/redis")
        menu = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "What shall I do"))
        slack.world.users["U0ONCALL"].team_id = "T0ELSEWHERE"
        await slack.person("U0ONCALL").clicks(menu, "health")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "another workspace"))


async def test_a_button_of_an_older_version_says_so(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        await slack.person("U0ONCALL").types(INCIDENT, "/redis")
        menu = await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "What shall I do"))
        old = slack.world.find(INCIDENT, menu.ts)
        old.blocks[1]["elements"][0]["action_id"] = "of-old"
        await slack.person("U0ONCALL").clicks(slack.message(INCIDENT, menu.ts), "of-old")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "older version"))


async def test_home_shows_the_fleet_once_for_an_event_that_comes_twice(slack: LocalSlack, house: House) -> None:
    oncall = slack.person("U0ONCALL")
    async with house.bot():
        slack.faults.repeat_next_event()
        await oncall.opens_home()
        await slack.waits_for(lambda: oncall.home is not None and "orders" in oncall.home.plain())
        assert "Waiting for a decision" in oncall.home.plain()
    assert [call.method for call in slack.calls].count("views.publish") == 1


@pytest.mark.servers
async def test_every_way_to_look_on_a_real_redis(slack: LocalSlack, redis: Topology, house: House) -> None:
    house.keep(targets(redis))
    oncall = slack.person("U0ONCALL")
    async with house.bot():
        await oncall.types(INCIDENT, "/redis status")
        await slack.waits_for(lambda: saying(slack, "The target is fine"))
        await oncall.types(INCIDENT, "/redis health")
        health = await slack.waits_for(lambda: saying(slack, "2 of 2 linked"))
        assert "3 of 3 Sentinels answer" in health.plain()
        await oncall.types(INCIDENT, "/redis verify orders --again 0")
        await slack.waits_for(lambda: saying(slack, "checks passed: orders"))
        await redis.nodes[0].kill()
        await oncall.types(INCIDENT, "/redis failover orders")
        refusal = await slack.waits_for(lambda: saying(slack, "failover orders: refused"))
        assert "does not answer" in refusal.plain()
        assert ("diagnose orders", "run:0", "diagnose orders") in refusal.buttons()
        await oncall.clicks(refusal, "run:0")
        seen = await slack.waits_for(lambda: saying(slack, "Who sees whom"))
        assert "orders: " in seen.plain()
    assert all(delivery.error is None for delivery in slack.deliveries)
    assert [call for call in slack.calls if call.error] == []


async def test_names_of_keys_are_whispered_to_an_approver_and_kept_nowhere(
    slack: LocalSlack, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with replication(build(), replicas=1) as two:
        await two.nodes[1].command("REPLICAOF", "NO", "ONE")
        await two.nodes[1].command("SET", "session:anna", 1)
        settings = targets(None)
        settings["targets"]["orders"] = {
            "kind": "replication",
            "nodes": list(two.node_addresses),
            "channels": [INCIDENT],
        }
        house.keep(settings)
        async with house.bot():
            await slack.person("U0DEV").types(INCIDENT, "/redis diagnose orders --compare --names")
            await slack.waits_for(lambda: whispered(slack, "U0DEV", "may not see key names of orders"))
            await slack.person("U0LEAD").types(INCIDENT, "/redis diagnose orders --compare --names")
            names = await slack.waits_for(lambda: whispered(slack, "U0LEAD", "Only you see these names"))
            posted = await slack.waits_for(lambda: saying(slack, "Keys compared"))
            assert "session:anna" in names.plain()
            assert names.ephemeral_for == "U0LEAD"
            everything = [posted.plain(), house.thread(posted)]
            everything += [one.plain() for one in slack.messages(INCIDENT, viewer="U0ONCALL")]
    with closing(sqlite3.connect(house.folder / "tandem.db")) as ledger:
        everything += ledger.iterdump()
    assert "anna" not in "\n".join(everything) + caplog.text
