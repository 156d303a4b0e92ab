"""The audit learns who may do what, once for each time that it changes."""

import json
from dataclasses import replace

from actions.kit.plan import Risk
from actions.kit.topology import Credentials, Kind, Limits, Target
from bot.fleet import Fleet, People, Rule
from bot.ledger.policies import difference
from bot.policy_values import policy_values
from bot.render.timeline import entries
from bot.render.timeline_words import what
from tests.bot.ledger.given import ledger_in

ORDERS = Target("orders", Kind.SENTINEL, auth=Credentials("tandem", "secret word"), limits=Limits(cooldown_s=900))
PEOPLE = {"orders": People("S0REDISOPS", ("U0LEAD",))}
RULE = Rule(risks=(Risk.DESTRUCTIVE,), approvals=2)
FLEET = Fleet({"orders": ORDERS}, {"C0INCIDENT": ("orders",)}, PEOPLE, PEOPLE, rules=(RULE,))
LASTS = {"approval_s": 900.0}


async def test_each_policy_is_written_down_once_with_what_is_different(ledger_url):
    looser = replace(FLEET, rules=(replace(RULE, approvals=1),), approvers={"orders": People("S0REDISOPS")})
    async with ledger_in(ledger_url) as ledger:
        first = await ledger.policies.note(policy_values(FLEET, LASTS))
        assert "targets.orders.approvers: was nothing, is now S0REDISOPS, U0LEAD" in first
        assert "targets.orders.limits.cooldown_s: was nothing, is now 900" in first
    async with ledger_in(ledger_url) as ledger:
        assert await ledger.policies.note(policy_values(FLEET, LASTS)) is None
        assert await ledger.policies.note(policy_values(looser, LASTS)) == (
            "rules.0.approvals: was 2, is now 1",
            "targets.orders.approvers: was S0REDISOPS, U0LEAD, is now S0REDISOPS",
        )
        rows = await ledger.audit_trail()
        assert [(row.kind, row.who_id, row.what) for row in rows] == [("policy.changed", "tandem", "*")] * 2
        assert "secret word" not in "".join(row.details for row in rows)
        assert json.loads(rows[0].details)["hash"] != json.loads(rows[1].details)["hash"]
        told = what(entries(rows)[1])
        assert told.startswith("Started with other settings than before: rules.0.approvals: was 2, is now 1; targets.")
        assert (await ledger.verify_audit()).problem is None


def test_what_is_gone_and_what_is_new_both_show():
    assert difference({"a": {"b": [1]}}, {"a": {"c": [2]}}) == (
        "a.c: was nothing, is now 2",
        "a.b: was 1, is now nothing",
    )
    assert difference({"rules": [{"x": 1}]}, {"rules": []}) == ("rules.0.x: was 1, is now nothing",)
