"""/metrics tells what happened: after a failover and an alert, under rate limits, and while the ledger is gone."""

import json
import re
from collections import Counter
from io import StringIO

import pytest

from sandbox.postgresql import PASSWORD, PostgreSQL
from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import ALERTS_TOKEN, House, asked, saying, targets
from tests.bot.slack.scraping import scraped, scraped_until
from tests.bot.slack.test_incidents import alert, posted
from tests.databases import rows
from tests.deploy.metric_names import documented, named_by_the_dashboard, named_by_the_rules

FAILOVER = {"action": "failover"}
MANY = re.compile(r"\b[RIE]-\w+|\b[UCS]0\w+|127\.0\.0\.1|tandem_[0-9a-f]{16}|xox")
"""What there can be any number of, or is nobody's business: ids, people, channels, addresses, tokens."""


def judge(written: StringIO, slack: LocalSlack, steps: int) -> None:
    """Whatever is about a request or an incident has its id, and no secret is there."""
    text = written.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    (request,) = [line["request"] for line in lines if line["message"] == "request filed"]
    for line in lines:
        others = json.dumps({name: value for name, value in line.items() if name not in {"request", "incident"}})
        assert set(re.findall(r"R-\w+", others)) <= {line.get("request")}, line
        assert set(re.findall(r"I-\w+", others)) <= {line.get("incident")}, line
    assert any("is tried again" in line["message"] for line in lines), "or it tests little"
    told = Counter(line["message"] for line in lines if line.get("request") == request)
    assert told["step began"] == told["step ended"] == steps
    (ended,) = [line for line in lines if line["message"] == "run ended"]
    assert {"request": request, "target": "orders", "outcome": "done", "failures": []}.items() <= ended.items()
    assert [secret for secret in (slack.bot_token, slack.app_token, ALERTS_TOKEN) if secret in text] == []


def posts(slack: LocalSlack) -> int:
    """How many messages Slack has taken."""
    return sum(call.method == "chat.postMessage" and call.error is None for call in slack.calls)


@pytest.mark.servers
async def test_a_failover_and_an_alert_are_counted(
    slack: LocalSlack, redis: Topology, house: House, written: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.metrics.exposed.PATIENCE_S", 60.0)
    house.keep(targets(redis))
    async with house.bot() as service:
        slack.faults.rate_limit("chat.postMessage", retry_after=2)
        card = await asked(slack)
        before = await scraped_until(service, lambda now: now("tandem_approvals_waiting") == 1)
        assert before("tandem_requests_filed_total", **FAILOVER) == 1
        assert before("tandem_approvals_waiting_oldest_seconds") > 0
        assert before("tandem_runs_in_progress") == 0
        assert before("tandem_slack_rate_limits_total", method="chat.postMessage") == 1
        assert before("tandem_slack_rate_limit_wait_seconds_total", method="chat.postMessage") == 2

        await slack.person("U0LEAD").clicks(card, "approve")
        await slack.waits_for(lambda: saying(slack, "failover orders: done and proven"), within=120)
        slack.faults.fail("chat.postMessage", error="internal_error")
        assert (await posted(service, {"alerts": [alert(), alert()]}))[0] == 200
        assert (await posted(service, {"alerts": []}, "wrong"))[0] == 401
        await slack.waits_for(lambda: saying(slack, "What Tandem sees"))
        await scraped_until(service, lambda now: now("tandem_incidents_open") == 1)
        sooner, after, later = posts(slack), await scraped(service), posts(slack)
    judge(written, slack, steps=len(rows(house.ledger_url, "SELECT 1 FROM steps")))
    assert after("tandem_requests_decided_total", outcome="approved", **FAILOVER) == 1
    assert after("tandem_runs_total", outcome="done", **FAILOVER) == 1
    took = after("tandem_run_duration_seconds_sum", outcome="done", **FAILOVER)
    assert took > 30, "the second look comes after 30 s"
    states = Counter(state for (state,) in rows(house.ledger_url, "SELECT state FROM steps"))
    assert {state: after.total("tandem_steps_total", state=state) for state in states} == states
    assert after("tandem_steps_total", kind="SentinelFailover", state="done") == 1
    assert after("tandem_approvals_waiting") == after("tandem_runs_in_progress") == after("tandem_debts_unpaid") == 0
    assert after("tandem_http_requests_total", path="/alerts", code="200") == 1
    assert after("tandem_http_requests_total", path="/alerts", code="401") == 1
    assert after("tandem_alerts_total", outcome="changed") == after("tandem_incidents_opened_total") == 1
    assert after("tandem_alerts_total", outcome="known") == 1
    assert after("tandem_alert_to_prompt_seconds_count") == 1
    assert 0 < after("tandem_alert_to_prompt_seconds_sum") < took
    assert after("tandem_socket_mode_connections") == 2
    assert after("tandem_ready") == after("tandem_ledger_up") == 1
    posted_well = after("tandem_slack_call_duration_seconds_count", method="chat.postMessage", outcome="ok")
    assert sooner - 1 <= posted_well <= later, "one may be on its way back"
    assert after("tandem_slack_call_duration_seconds_count", method="chat.postMessage", outcome="refused") == 1
    assert after("tandem_ledger_transaction_duration_seconds_count", kind="write") > len(states)
    assert after.total("tandem_ledger_failures_total") == 0
    assert after("tandem_event_loop_lag_seconds_count") > 100
    assert [value for value in after.labels if MANY.search(value)] == []
    assert (named_by_the_dashboard() | named_by_the_rules()) - after.names == set(), "they use what is not there"
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in after.names if name.startswith("tandem_")}
    assert ours == documented(), "docs/operations.md lists them"


async def test_while_the_ledger_is_gone_the_rest_is_told(
    slack: LocalSlack, house: House, own_postgresql: PostgreSQL
) -> None:
    own_postgresql.execute("CREATE DATABASE tandem")
    house.ledger_url = own_postgresql.url("tandem")
    async with house.bot() as service:
        assert (await scraped(service))("tandem_ledger_up") == 1
        own_postgresql.stop()
        gone = await scraped_until(service, lambda now: now("tandem_ledger_up") == 0)
        assert gone("tandem_socket_mode_connections") == 2
        assert gone("tandem_incidents_open") is None, "nobody knows: that is not 0"
        assert gone("tandem_ledger_failures_total", kind="read") >= 1
        assert (await posted(service, {"alerts": [alert()]}))[0] == 503
        assert (await scraped(service))("tandem_http_requests_total", path="/alerts", code="503") == 1
        assert PASSWORD not in gone.text
        assert ALERTS_TOKEN not in gone.text
        own_postgresql.start()
        await scraped_until(service, lambda now: now("tandem_incidents_open") == 0)
