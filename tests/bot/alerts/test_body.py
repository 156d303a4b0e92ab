"""Bodies as Alertmanager sent them, one of Grafana's shape, and everything that is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.errors import UsageError
from bot.alerts.body import Body, parse, shortened

BODIES = sorted((Path(__file__).parent / "bodies").glob("*.json"))
STARTED = "2026-11-22T18:49:43.206Z"


def one(**changes: object) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {"alertname": "RedisDown", "group": "orders", "severity": "critical"},
        "annotations": {"summary": "It is down", "runbook_url": "https://example.org/runbook"},
        "startsAt": STARTED,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "616e05b78288532e",
    } | changes


def body(*alerts: object, **more: object) -> bytes:
    return json.dumps({"version": "4", "alerts": list(alerts)} | more).encode()


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_what_alertmanager_sent_is_understood(path: Path) -> None:
    sent = json.loads(path.read_bytes())
    read = parse(path.read_bytes())
    assert read.troubles == ()
    assert read.left_out == sent["truncatedAlerts"]
    assert [(alert.name, alert.firing, dict(alert.labels)) for alert in read.alerts] == [
        (alert["labels"]["alertname"], alert["status"] == "firing", alert["labels"]) for alert in sent["alerts"]
    ]
    assert all((alert.ended_at is None) == alert.firing for alert in read.alerts)


def test_one_alert_in_all_its_parts() -> None:
    (alert,) = parse(body(one(status="resolved", endsAt="2026-11-22T18:50:43.206+01:00"))).alerts
    assert (alert.name, alert.severity, alert.summary) == ("RedisDown", "critical", "It is down")
    assert alert.starts_at == datetime(2026, 11, 22, 18, 49, 43, 206000, UTC)
    assert alert.ended_at == datetime(2026, 11, 22, 17, 50, 43, 206000, UTC)
    assert alert.links == (
        ("Runbook", "https://example.org/runbook"),
        ("Prometheus", "http://prometheus.example/graph"),
    )


def test_grafana_has_links_of_its_own_and_an_alert_without_fingerprint_gets_one_of_its_labels() -> None:
    links = {"dashboardURL": "https://grafana.example/d/1", "panelURL": "https://grafana.example/d/1?p=2"}
    sent = one(**links, generatorURL="javascript:alert(1)")
    del sent["fingerprint"]
    first, second = (parse(body(sent)).alerts[0] for _ in range(2))
    assert first.fingerprint == second.fingerprint != ""
    assert [word for word, _ in first.links] == ["Runbook", "Dashboard", "Panel"]


def test_one_fingerprint_for_two_alerts_is_no_reason_to_lose_one() -> None:
    first, second = parse(body(one(), one(labels={"alertname": "RedisDown", "group": "carts"}))).alerts
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == parse(body(one(status="resolved"))).alerts[0].fingerprint


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nothing",
        b"[]",
        b"null",
        b'"alerts"',
        b"{}",
        b'{"alerts": {}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"alerts": "x"}',
    ],
)
def test_what_is_no_delivery_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(UsageError, match="The body is"):
        parse(raw)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (7, "it is no JSON object"),
        (one(status="pending"), 'its status is "pending"'),
        (one(labels=None), "its labels are no JSON object"),
        (one(startsAt="yesterday"), "its startsAt is no time: yesterday"),
        (one(startsAt=7), "its startsAt is no time"),
        (one(annotations=[1]), "its annotations are no JSON object"),
    ],
)
def test_an_alert_that_cannot_be_read_keeps_no_other_from_being_read(wrong: object, said: str) -> None:
    read = parse(body(wrong, one(), wrong))
    assert len(read.alerts) == 1
    assert said in shortened(read.troubles)
    assert "And 1 more." in shortened(read.troubles)
    assert "And 2 more." in shortened((*read.troubles, "x"))


def test_a_password_in_an_exporters_target_is_not_kept() -> None:
    sent = one(
        labels={"instance": "redis://tandem:word@10.0.0.1:6379"}, annotations={"summary": "rediss://:word@a down"}
    )
    (alert,) = parse(body(sent)).alerts
    assert alert.labels["instance"] == "redis://10.0.0.1:6379"
    assert alert.summary == "rediss://a down"


@pytest.mark.parametrize(
    ("sent_link", "kept"),
    [
        ("https://me:word@g/d", "https://g/d"),
        ("https://g/x?mail=a@b", "https://g/x?mail=a@b"),
        ("https://g/x?target=redis://me:w/o?r@d@10.0.0.1:6379", "https://g/x?target=redis://10.0.0.1:6379"),
        (
            "https://g/new?m=instance%3Drediss%3A%2F%2F%3Aword%4010.0.0.1&m=mail%3Da%40b",
            "https://g/new?m=instance%3Drediss%3A%2F%2F10.0.0.1&m=mail%3Da%40b",
        ),
    ],
)
@pytest.mark.parametrize("field", ["generatorURL", "dashboardURL", "panelURL", "silenceURL"])
def test_nobodys_password_is_in_a_link(field: str, sent_link: str, kept: str) -> None:
    (alert,) = parse(body(one(annotations={}, generatorURL="") | {field: sent_link})).alerts
    assert [url for _, url in alert.links] == [kept]


@pytest.mark.parametrize("word", ["w/ord", "w?ord", "w#ord", "w@ord", "w://ord"])
def test_a_password_may_have_any_character(word: str) -> None:
    (alert,) = parse(body(one(annotations={"summary": f"redis://me:{word}@10.0.0.1:6379 is down, ask a@b"}))).alerts
    assert alert.summary == "redis://10.0.0.1:6379 is down, ask a@b"


def test_values_of_wrong_types_and_of_any_length_become_short_texts() -> None:
    (alert,) = parse(body(one(labels={"alertname": 7, "group": ["a"], "long": "x" * 9_000}))).alerts
    assert (alert.name, alert.labels["group"], len(alert.labels["long"])) == ("7", '["a"]', 2_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
parts = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(one(), json_values) | {"status": st.sampled_from(["firing", "resolved"])}
)


@given(st.lists(parts | json_values, max_size=5))
def test_no_body_whatsoever_breaks_it(alerts: list[object]) -> None:
    read = parse(body(*alerts))
    assert isinstance(read, Body)
    assert len(read.alerts) + len(read.troubles) == len(alerts)


@given(st.binary(max_size=200))
def test_no_bytes_whatsoever_break_it(raw: bytes) -> None:
    with pytest.raises(UsageError):
        parse(raw)
