from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import failover
from actions.kit.plan import Cost, Plan, Rejected, Risk, SettingChange
from actions.kit.step_types import STEP_TYPES
from actions.kit.topology import Address
from bot.ledger import LedgerError
from bot.ledger.codec import PlanCodec
from tests.bot.ledger.given import Set, a_plan
from tests.builders import healthy

addresses = st.builds(Address, st.text(), st.integers(1, 65535))
changes = st.builds(SettingChange, addresses, st.text(), st.text(), st.text())
amounts = st.none() | st.integers(0)
plans = st.builds(
    Plan,
    target=st.text(),
    action=st.text(),
    risk=st.sampled_from(Risk),
    because=st.text(),
    cost=st.builds(Cost, amounts, amounts, st.integers(0), st.lists(st.text()).map(tuple)),
    steps=st.lists(st.builds(Set, changes)).map(tuple),
    seen=st.lists(st.text()).map(tuple),
    candidate=st.none() | addresses,
    rejected=st.lists(st.builds(Rejected, addresses, st.text())).map(tuple),
)


@given(plans)
def test_every_plan_comes_back_equal(plan):
    codec = PlanCodec([Set])
    again = codec.loads(codec.dumps(plan))
    assert again == plan
    assert again.fingerprint == plan.fingerprint


def test_a_real_failover_comes_back_equal():
    plan = failover.plan(healthy(), {})
    assert isinstance(plan, Plan)
    codec = PlanCodec(STEP_TYPES)
    assert codec.loads(codec.dumps(plan)) == plan


def test_a_step_of_another_version_is_named():
    codec = PlanCodec([Set])
    with pytest.raises(LedgerError, match="knows no step 'Set'"):
        PlanCodec([]).dumps(a_plan())
    with pytest.raises(LedgerError, match="knows no step 'Jump'"):
        codec.loads(codec.dumps(a_plan()).replace('"Set"', '"Jump"'))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"steps": 1}', '{"steps": [["Set", {}]]}', '{"steps": [], "risk": "?"}']
)
def test_what_is_not_a_plan_is_said_to_be_none(text):
    with pytest.raises(LedgerError, match="cannot be read"):
        PlanCodec([Set]).loads(text)


def test_the_order_of_steps_is_kept():
    plan = a_plan("orders", *(Set(SettingChange(Address("h", 1), name, "1", "0")) for name in "cab"))
    codec = PlanCodec([Set])
    assert codec.loads(codec.dumps(plan)).steps == plan.steps
    assert codec.loads(codec.dumps(replace(plan, steps=plan.steps[::-1]))).steps == plan.steps[::-1]
