"""A request about a replication group from its approval to the last debt, with the ledger."""

import asyncio
from dataclasses import replace

import pytest

from actions.kit.elasticache import setting
from actions.kit.plan import Plan
from bot.ledger import RunState
from tests.bot.desks import LEAD, ONCALL, office
from tests.elasticache import GROUP, search
from tests.failover import PATIENT

pytestmark = pytest.mark.servers


def patient(scene):
    """Its target, for a busy machine."""
    return replace(scene.target, timeout_ms=PATIENT["timeout_ms"])


async def test_automatic_failover_that_could_not_be_turned_back_on_is_owed_until_it_is(monkeypatch, tmp_path):
    async with search(monkeypatch) as scene, office(patient(scene), tmp_path) as here:
        request = await here.desk.ask("failover", "search", {"to": f"{GROUP}-002"}, ONCALL, "C0INCIDENT", "slow node")
        scene.aws.hold()
        assert (await here.desk.approve(request.id, LEAD)).ok
        async with asyncio.timeout(60):
            while not scene.calls("ModifyReplicationGroup"):
                await asyncio.sleep(0.05)
        scene.aws.faults.denied = {"ModifyReplicationGroup"}
        scene.aws.release()
        ended = await here.ended(request.id)
        (debt,) = await here.ledger.owed()
        await here.desk.recover(every_s=0.1)
        off = setting.value_of(await scene.hands.elasticache.group())
        scene.aws.faults.denied = set()
        await here.paid()
        told = await here.shown("told")
        back = setting.value_of(await scene.hands.elasticache.group())

    assert ended.run.state is RunState.INCOMPLETE
    assert "allow elasticache:ModifyReplicationGroup" in " ".join(ended.run.failures)
    assert (debt.change.name, debt.change.old) == (setting.NAME, setting.ON_MULTI_AZ)
    assert str(debt.change.node) == f"replication group {GROUP}"
    assert (off, back) == (setting.OFF, setting.ON_MULTI_AZ)
    assert f"is back at {setting.ON_MULTI_AZ}" in told["text"]


async def test_what_aws_does_after_the_request_voids_the_approval(monkeypatch, tmp_path):
    async with search(monkeypatch) as scene, office(patient(scene), tmp_path) as here:
        request = await here.desk.ask("failover", "search", {}, ONCALL, "C0INCIDENT", "slow node")
        assert isinstance(request.plan, Plan)
        await scene.hands.elasticache.test_failover("0001")
        await scene.aws.settled()
        await here.desk.approve(request.id, LEAD)
        ended = await here.ended(request.id)

    assert ended.state == "void"
    assert ended.why.startswith("was: ")
    assert f"was: {GROUP}-001 primary" in ended.run.failures
    assert scene.calls("TestFailover") == 1
