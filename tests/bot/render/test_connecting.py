"""Snippets for people in Slack and in a terminal, and for programs."""

from dataclasses import replace

from actions.kit.action import Seen
from actions.kit.connecting import connection
from actions.kit.diagnosis import diagnose
from actions.kit.topology import AddressMap, Kind, Target
from bot.render import json
from bot.render.blocks_connecting import connected
from bot.render.connecting import connection_lines
from tests.bot.render.slack_judges import accepted
from tests.bot.slack_requests import NASTY
from tests.builders import healthy, without_sentinel

TARGET = Target("orders", Kind.SENTINEL, master_name="mymaster")


def seen(snapshot=None, target=TARGET) -> Seen:
    picture = snapshot or healthy()
    return Seen(picture, diagnose(picture), connection=connection(picture, target))


def test_the_first_snippet_is_in_the_message_and_all_are_in_the_thread():
    made = seen(without_sentinel(healthy(), 1))
    screen = connected(made, "<@U0ONCALL>", "_frozen_")
    code = "\n".join(text(block) for block in screen.message.blocks if block["type"] == "rich_text")
    assert code == made.connection.snippets[0].text.rstrip("\n")
    page = accepted(screen.message)
    assert "1 of 3 Sentinels does not answer us" in page
    assert "_frozen_" in page
    thread = "".join(accepted(one) for one in screen.thread)
    assert all(title in thread for title in ("Python, redis-py (", "with asyncio", "REDIS_SENTINELS="))


def test_whatever_the_names_are():
    nasty = replace(TARGET, name=NASTY, master_name=NASTY, address_map=AddressMap(hosts=(("a", "b"),)))
    assert accepted(
        connected(seen(replace(healthy(sentinels=25), target=NASTY, master_name=NASTY), nasty), "<@U0ONCALL>")
    )


def test_a_terminal_and_a_program():
    made = seen(without_sentinel(healthy(), 1))
    lines = connection_lines(made)
    assert lines[0] == f"- {made.diagnosis.verdict.summary}"
    assert lines[1].startswith("- 1 of 3 Sentinels")
    assert connection_lines(seen())[:2] == ["", "## Python, redis-py (--client redis-py)"]
    assert "## Environment variables (--client env)" in lines
    told = json.connected_json(made)
    assert [one["client"] for one in told["snippets"]] == ["redis-py", "asyncio", "env", "redis-cli"]
    assert told["snippets"][0]["text"] == made.connection.snippets[0].text
    assert (told["verdict"], told["master"]) == ("sentinel-down", "10.0.0.1:6379")
    assert len(told["remarks"]) == len(told["unasked"]) == 1


def text(block):
    return block["elements"][0]["elements"][0]["text"]
