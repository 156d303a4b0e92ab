"""A chart as text and for programs: what the picture shows, for whoever does not see it."""

from actions.kit.action import Seen
from actions.kit.charting import Panel, Source
from actions.kit.charting.making import chart_of
from actions.kit.charting.readings import Reading
from actions.kit.diagnosis import diagnose
from bot.render import json
from bot.render.blocks_charting import charted as shown
from bot.render.charting import chart_lines, panel_lines, picture_words, spark
from tests.bot.render.slack_judges import accepted
from tests.bot.slack_requests import NASTY
from tests.builders import healthy
from tests.charts import T, chart, charted


def test_every_panel_tells_the_latest_the_least_the_greatest_and_the_gaps():
    made = chart()
    assert panel_lines(made, Panel.CLIENTS, 6) == [
        "10.0.0.1:6379 (master)   ██████  now 30, always 30",
        "10.0.0.2:6379 (replica)  ▅▅▅▅▅▅  now 15, always 15",
        "10.0.0.3:6379 (replica)  ▃▃  ▃▃  now 10, always 10; gap 22:13:39 to 22:14:00",
    ]
    assert panel_lines(made, Panel.LAG_SECONDS, 0) == [
        "10.0.0.2:6379 (replica)  now 1 s, 0 s to 1 s",
        "10.0.0.3:6379 (replica)  now 1 s, 0 s to 1 s; gap 22:13:39 to 22:14:00",
    ]
    assert panel_lines(made, Panel.MEMORY, 0)[1].endswith("now 20.0 MiB, always 20.0 MiB")
    assert panel_lines(made, Panel.HIT_RATIO, 0)[0].endswith("always 90.0 %, 90.0 % of all look-ups")
    told = chart_lines(made)
    assert told[0] == "Sampled by Tandem for 59 s, every 1.0 s: 22:13:20 to 22:14:19 UTC"
    assert told[-3:] == [
        "What happened",
        "  1 22:13:40 10.0.0.3:6379: no answer: timed out",
        "  2 22:14:00 10.0.0.3:6379: answers again",
    ]


def test_what_nobody_told_is_said_so():
    silent = chart_of(Source.SAMPLING, (T, T + 1), 1, {"a:1": [Reading(T, silence="refused")]})
    assert silent.is_empty
    told = "\n".join(chart_lines(silent))
    assert "a:1 (no answer)" in told
    assert "no value in all this time" in told
    idle = [Reading(T + n, "master", "r", commands=n, hits=5, misses=0) for n in range(4)]
    assert panel_lines(chart_of(Source.SAMPLING, (T, T + 3), 1, {"a:1": idle}), Panel.HIT_RATIO, 0) == [
        "a:1 (master)  nothing was looked up in all this time"
    ]
    assert panel_lines(chart_of(Source.SAMPLING, (T, T + 3), 1, {}), Panel.CLIENTS) == ["no node has told this"]


def test_a_small_curve_begins_at_zero_and_has_a_hole_where_a_value_is_missing():
    assert spark([(1, 0), (2, 4), (3, None), (4, 8)], 8, 10) == "▁▅ █"
    assert spark([(n, None if n == 50 else 1) for n in range(100)], 1, 10) == "█████ ████"
    assert spark([(1, 0), (2, 0)], 0, 10) == "▁▁"
    assert spark([], 0, 10) == ""


def test_for_programs_each_point_has_its_time_and_a_gap_is_null():
    told = json.charted_json(charted())
    assert list(told) == [
        *("target", "kind", "observed_at", "verdict", "confidence", "master"),
        *("source", "since", "until", "step_s", "panels", "events", "notes", "unasked"),
    ]
    assert [(panel["id"], panel["unit"]) for panel in told["panels"]] == [
        ("clients", "clients"),
        ("memory", "bytes"),
        ("lag_seconds", "seconds"),
        ("lag_bytes", "bytes"),
        ("commands", "commands/s"),
        ("hit_ratio", "percent"),
    ]
    silent = told["panels"][0]["series"][2]
    assert silent["points"][19:21] == [["2023-11-14T22:13:39.000Z", 10], ["2023-11-14T22:13:40.000Z", None]]
    assert silent["gaps"] == [{"since": "2023-11-14T22:13:39.000Z", "until": "2023-11-14T22:14:00.000Z"}]
    assert (silent["latest"], silent["min"], silent["max"], silent["error"]) == (10, 10, 10, None)
    assert told["panels"][1]["series"][0]["limit"] == 64 * 2**20
    assert told["panels"][5]["series"][0]["overall"] == 90
    assert told["events"][0] == {
        "number": 1,
        "at": "2023-11-14T22:13:40.000Z",
        "node": "10.0.0.3:6379",
        "what": "no answer: timed out",
    }
    assert "panels" not in json.charted_json(Seen(healthy(), diagnose(healthy())))


def test_the_picture_in_words_and_whatever_the_names_are():
    words = list(picture_words("orders", chart()))
    assert words[0].startswith("Six panels of orders. Sampled by Tandem for 59 s")
    assert words[1].startswith("Connected clients: 10.0.0.1:6379 (master) now 30")
    assert len(words) == 7
    assert "\x1b" not in "".join(chart_lines(chart(name=NASTY + "{}", notes=(NASTY,))))


def test_in_slack_each_panel_has_its_numbers_and_the_thread_has_all_of_them():
    screen = shown(charted(), "<@U0ONCALL>", "_frozen_")
    page = accepted(screen.message)
    assert "_frozen_" in page
    assert "`10.0.0.3:6379` replica: now 10, always 10; gap 22:13:39 to 22:14:00" in page
    assert "1 22:13:40 10.0.0.3:6379: no answer: timed out" in page
    assert "What happened" in "".join(accepted(one) for one in screen.thread)
    many = shown(charted(chart(nodes=200, notes=(NASTY,), name=NASTY + "{}")), "<@U0ONCALL>")
    assert "… 194 more in the thread" in accepted(many.message)
    assert all(accepted(one) for one in many.thread)
