"""What stands in the message of an incident, while it lasts and when it is over."""

from typing import Any

from bot.render.blocks_incident import incident
from tests.bot.render.slack_judges import accepted
from tests.bot.render.test_blocks_findings import markups
from tests.bot.slack_requests import NASTY

OPENED = 1_750_000_000.0


def alert(name: str, *, ended: float | None = None, **more: Any) -> dict[str, Any]:
    """One that began with the incident; ``ended``: after how many seconds."""
    return {
        "name": name,
        "severity": "critical",
        "target": "orders",
        "summary": f"{name} says so",
        "labels": {},
        "since": OPENED,
        "ended": OPENED + ended if ended else None,
        "times": 1,
        "own": False,
        **more,
    }


def body(*alerts: dict[str, Any], closed: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "I-1",
        "scope": "orders",
        "opened_at": OPENED,
        "closed_at": OPENED + closed if closed else None,
        "alerts": list(alerts),
        "firing": sum(one["ended"] is None for one in alerts),
        "ended": sum(one["ended"] is not None for one in alerts),
        "targets": 1,
        "links": [],
        "sights": [],
        "seen": 0,
        "acknowledged_by": None,
        "assigned_to": None,
        "muted_until": None,
        "muted_by": None,
        **more,
    }


def test_rules_that_have_ended_share_a_line_and_what_tandem_found_out_keeps_its_own() -> None:
    over = accepted(
        incident(
            body(
                alert("RedisDown", ended=16),
                alert("RedisNoMaster", ended=2, times=3),
                alert("MasterMoved", ended=30, own=True),
                closed=36,
            )
        )
    )
    assert "*RedisDown* ended after 16 s · *RedisNoMaster* ended after 2.0 s, 3 times" in over
    assert "*MasterMoved* MasterMoved says so (ended after 30 s)" in over
    assert "RedisDown says so" not in over


def test_one_that_has_ended_and_what_fires_still_are_told_in_full() -> None:
    during = accepted(incident(body(alert("RedisDown"), alert("RedisNoMaster", ended=2))))
    assert "RedisDown says so" in during
    assert "RedisNoMaster says so (ended after 2.0 s)" in during


def test_health_that_was_seen_before_the_alerts_ended_is_neither_denied_nor_taken_for_the_end() -> None:
    sight = {"target": "orders", "sign": ":large_green_circle:", "verdict": "healthy", "summary": "All is well."}
    sight |= {"confidence": "certain", "evidence": [], "suggests": [], "note": ""}
    for well, words in ((True, "it looks again before it calls this over"), (False, "does not see that all is well")):
        told = accepted(incident(body(alert("RedisDown", ended=16), sights=[sight | {"well": well}], seen=1)))
        assert words in told
    assert "The alerts have ended" not in accepted(incident(body(alert("RedisDown"), sights=[sight | {"well": True}])))


def test_of_several_targets_each_alert_says_which() -> None:
    both = (alert("RedisDown", ended=2), alert("RedisNoMaster", ended=2, target="carts"))
    assert "carts: *RedisNoMaster*" in accepted(incident(body(*both, scope="*", targets=2, closed=9)))


def test_of_what_fits_no_target_the_labels_are_told() -> None:
    odd = alert("RedisDown", target=None, labels={"alertname": "RedisDown", "job": "<!channel>", "instance": "a:1"})
    told = accepted(incident(body(odd, scope="")))
    assert "RedisDown says so [job=&lt;!channel&gt;, instance=a:1]" in told


def test_those_that_do_not_fit_are_counted() -> None:
    some = (alert("RedisDown"), alert("RedisNoMaster", ended=2))
    assert "… and 3 more alerts, 2 of all firing" in accepted(incident(body(*some, firing=2, ended=3)))
    ended = body(alert("RedisDown", ended=1), alert("RedisNoMaster", ended=2), firing=0, ended=3, closed=9)
    assert accepted(incident(ended)).count("… and 1 more alert") == 1
    assert "of all firing" not in accepted(incident(ended))


def test_whatever_is_in_an_alert_nobody_is_called_by_it() -> None:
    for ends in (None, 5.0):
        message = incident(body(*(alert(NASTY, ended=ends, summary=NASTY) for _ in range(3))))
        assert "<!channel" not in accepted(message), "not even in a headline, where Slack does not obey it"
        for text in (message.text, *markups(list(message.blocks))):
            assert "<!channel" not in text
            assert "<@U0VICTIM>" not in text
