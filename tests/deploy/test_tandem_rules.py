"""Each alert about Tandem itself is made true, and stays silent where it would be wrong; promtool evaluates them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.deploy.promtool import TANDEM_RULES, Series, alert_names, broken, each, made_of, put
from tests.deploy.promtool import Case as AnyCase

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's prometheus package")

ONE, OTHER = "10.0.1.1:8080", "10.0.1.2:8080"
QUIET = {
    "up": 1,
    "tandem_ready": 1,
    "tandem_socket_mode_connections": 2,
    "tandem_ledger_up": 1,
    "tandem_approvals_waiting_oldest_seconds": 0,
    "tandem_runs_in_progress": 0,
    "tandem_runs_asking": 0,
    "tandem_debts_unpaid": 0,
    "tandem_outbox_oldest_seconds": 0,
    "tandem_outbox_failing_messages": 0,
}


def _healthy() -> Series:
    series = Series(common={"job": "tandem", "instance": ONE})
    for instance in (ONE, OTHER):
        for metric, value in QUIET.items():
            series.put(metric, value, instance=instance)
        _slack(series, instance, ok="0+15x79", failed="0x79")
        _lag(series, instance, late="0x79")
        series.put("tandem_http_requests_total", "0+15x79", instance=instance, path="/alerts", code="200")
    return series


def _slack(series: Series, instance: str, ok: str, failed: str) -> None:
    metric, method = "tandem_slack_call_duration_seconds_count", "chat.postMessage"
    series.put(metric, ok, instance=instance, method=method, outcome="ok")
    series.put(metric, failed, instance=instance, method=method, outcome="unanswered")


def _lag(series: Series, instance: str, late: str) -> None:
    """60 samples in each 15 s, of which so many were more than a second late."""
    metric = "tandem_event_loop_lag_seconds_bucket"
    on_time = "0+60x79" if late == "0x79" else "0+58x79"
    for bound, values in {"0.001": on_time, "1.0": on_time, "5.0": "0+60x79", "+Inf": "0+60x79"}.items():
        series.put(metric, values, instance=instance, le=bound)


def _both(metric: str, values: str | float) -> Callable[[Series], object]:
    return lambda series: [series.put(metric, values, instance=instance) for instance in (ONE, OTHER)]


def _gone(series: Series, *instances: str) -> None:
    """The process is: nothing of it is scraped but that."""
    for metric, labels in list(series.values):
        if dict(labels)["instance"] in instances:
            series.put(metric, 0 if metric == "up" else "1x4 stale", **dict(labels))


Case = partial(AnyCase, well=_healthy)

CASES = {
    "all is well": Case(lambda _series: None, {}),
    "one replica is gone": Case(lambda series: _gone(series, OTHER), {"TandemDown": 1}),
    "both are gone": Case(lambda series: _gone(series, ONE, OTHER), {"TandemGone": 1, "TandemDown": 2}),
    "nothing is scraped": Case(lambda series: series.values.clear(), {"TandemGone": 1}),
    "one replica is not reached by Slack": Case(
        each(put("tandem_ready", 0), put("tandem_socket_mode_connections", 0)), {"TandemSocketsDown": 1}
    ),
    "no replica is reached by Slack": Case(
        each(_both("tandem_ready", 0), _both("tandem_socket_mode_connections", 0)),
        {"TandemNotHeard": 1, "TandemSocketsDown": 2},
    ),
    "a start of half a minute": Case(_both("tandem_ready", "0x2 1x77"), {}, at_s=45),
    "the ledger is down": Case(
        lambda series: [
            series.put("tandem_ledger_up", 0),
            *(series.drop(metric, instance=ONE) for metric in QUIET if metric.startswith("tandem_outbox")),
        ],
        {"TandemLedgerDown": 1},
    ),
    "a message waits": Case(_both("tandem_outbox_oldest_seconds", "0x20 0+15x58"), {"TandemOutboxStuck": 1}),
    "a message cannot be brought up to date": Case(
        _both("tandem_outbox_failing_messages", "0x20 1x58"), {"TandemOutboxStuck": 1}
    ),
    "messages fail now and then": Case(_both("tandem_outbox_failing_messages", " ".join(["0x3 1x3"] * 10)), {}),
    "a request waits for a minute": Case(_both("tandem_approvals_waiting_oldest_seconds", 60), {}),
    "nobody approves": Case(_both("tandem_approvals_waiting_oldest_seconds", 301), {"TandemApprovalWaiting": 1}),
    "a run asks": Case(each(_both("tandem_runs_in_progress", 1), _both("tandem_runs_asking", 1)), {"TandemRunAsks": 1}),
    "a run is in hand and owes": Case(each(_both("tandem_runs_in_progress", 1), _both("tandem_debts_unpaid", 2)), {}),
    "an ended run owes": Case(_both("tandem_debts_unpaid", 2), {"TandemDebtUnpaid": 1}),
    "a wrong token": Case(
        put("tandem_http_requests_total", "0+5x79", path="/alerts", code="401"), {"TandemAlertsRefused": 1}
    ),
    "somebody looks for pages that are not there": Case(
        put("tandem_http_requests_total", "0+5x79", path="other", code="404"), {}
    ),
    "Slack is down": Case(
        lambda series: [_slack(series, one, ok="0+15x20 300x58", failed="0x20 0+15x58") for one in (ONE, OTHER)],
        {"TandemSlackFailing": 1},
    ),
    "a call fails now and then": Case(lambda series: _slack(series, ONE, ok="0+15x79", failed="0+1x79"), {}),
    "one replica has no processor": Case(lambda series: _lag(series, ONE, late="0+2x79"), {"TandemEventLoopLate": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_fires(name: str, tmp_path: Path) -> None:
    assert made_of(CASES[name], tmp_path, TANDEM_RULES) == CASES[name].fires


def test_every_alert_was_seen_to_fire() -> None:
    assert {alert for case in CASES.values() for alert in case.fires} == set(alert_names(TANDEM_RULES))


BREAKAGES = {
    "max(tandem_ready": ("min(tandem_ready", "one replica is not reached by Slack"),
    ' unless max(tandem_runs_in_progress{job="tandem"}) > 0': ("", "a run is in hand and owes"),
    'or max(min_over_time(tandem_outbox_failing_messages{job="tandem"}[2m])) > 0': (
        'or max(tandem_outbox_failing_messages{job="tandem"}) > 1',
        "a message cannot be brought up to date",
    ),
    ', path="/alerts", code=': (", code=", "somebody looks for pages that are not there"),
    "max(tandem_approvals_waiting_oldest": ("(tandem_approvals_waiting_oldest", "nobody approves"),
}
"""A piece of the rules that looks as if it could be left out, what takes its place, and the case that then fails."""


@pytest.mark.parametrize("piece", BREAKAGES)
def test_no_piece_can_be_left_out(piece: str, tmp_path: Path) -> None:
    instead, name = BREAKAGES[piece]
    rules = broken(TANDEM_RULES.read_text(), piece, instead, tmp_path)
    assert made_of(CASES[name], tmp_path, rules) != CASES[name].fires
