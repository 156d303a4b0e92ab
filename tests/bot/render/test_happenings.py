"""A time line for people in Slack and in a terminal, and for programs."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rich.console import Console

from actions.kit.action import Seen
from actions.kit.diagnosis import diagnose
from actions.kit.elasticache.views import GroupView
from actions.kit.happenings import Happening
from actions.kit.unasked import Reason, Unasked
from bot.render import json, terminal
from bot.render.blocks_findings import PICTURE_LINES, happened
from tests.bot.render.slack_judges import accepted
from tests.builders import healthy

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def seen(count: int, what: str = "Recovering cache nodes 0001") -> Seen:
    told = tuple(Happening(NOW - timedelta(minutes=count - at), "AWS g-001", f"{what} {at}") for at in range(count))
    picture = healthy()
    return Seen(picture, diagnose(picture), happenings=told, since=NOW - timedelta(days=14))


def test_the_latest_are_shown_and_all_are_in_the_thread():
    screen = happened(seen(100), "<@U0ONCALL>")
    page = accepted(screen.message)
    assert "100 events since 2024-12-18 00:00:00 UTC" in page
    assert f"… {100 - PICTURE_LINES} earlier ones in the thread" in page
    assert "nodes 0001 99" in page
    assert "nodes 0001 0\n" not in page
    assert "nodes 0001 0" in "".join(accepted(one) for one in screen.thread)


def test_however_many_and_whatever_they_say():
    for count in (0, 1, 2_000):
        assert accepted(happened(seen(count, "<!channel> *x* `" + "y" * 400), "<@U0ONCALL>").message)


def test_what_was_not_told_is_not_said_not_to_have_happened():
    gap = Unasked("AWS DescribeEvents", Reason.NOPERM, "AWS does not let us.")
    none = replace(seen(0), snapshot=replace(healthy(), group=GroupView("eu-west-1", "g", gaps=(gap,))))
    assert "0 events known since 2024-12-18" in accepted(happened(none, "<@U0ONCALL>").message)
    out = io.StringIO()
    Console(file=out, width=200).print(terminal.happenings(none))
    assert "orders: 0 events known since 2024-12-18" in out.getvalue()


def test_a_terminal_and_a_program():
    out = io.StringIO()
    Console(file=out, width=200).print(terminal.happenings(seen(2)))
    assert "orders: 2 events since 2024-12-18 00:00:00 UTC" in out.getvalue()
    assert "2024-12-31 23:59:00  AWS g-001: Recovering cache nodes 0001 1" in out.getvalue()
    told = json.events_json(replace(seen(1)))
    assert told["since"] == "2024-12-18T00:00:00.000Z"
    assert told["events"] == [
        {"at": "2024-12-31T23:59:00.000Z", "source": "AWS g-001", "what": "Recovering cache nodes 0001 0"}
    ]
