"""Freeze, thaw and cooldown on a real server: who may, who is told, and what no longer begins."""

import pytest

from actions.kit.errors import Refused, UsageError
from actions.kit.loop import StepState
from actions.kit.plan import Refusal
from bot.ledger import RequestState, RunState
from sandbox.redis import builds, replication
from tests.bot.desks import GUEST, LEAD, ONCALL, SLOWLY, office
from tests.failover import patient_target_of

pytestmark = pytest.mark.servers

server = builds()[0]


async def test_a_frozen_target_takes_no_request_and_begins_nothing_and_what_runs_goes_on(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        first, second = await here.asks(slow="yes"), await here.asks(to="400")
        await here.desk.approve(first.id, LEAD)
        await here.stands(first.id, 1, StepState.RUNNING)
        done = await here.desk.locks.freeze("orders", ONCALL, "release day")
        assert f"What is under way goes on: {first.id}." in done
        assert (await here.shown("notice"))["text"] == done.replace("oncall", "<@U0ONCALL>", 1)
        for answer in (
            await here.desk.ask("tune", "orders", {"to": "300"}, ONCALL),
            await here.desk.preview("tune", "orders", {"to": "300"}),
        ):
            assert isinstance(answer, Refusal)
            assert "orders is frozen by oncall since" in answer.reason
            assert ": release day." in answer.reason
            assert f"busy: {first.id}" in answer.reason
        await topology.nodes[0].command("CONFIG", "SET", SLOWLY, 7)
        assert (await here.ended(first.id)).run.state is RunState.DONE
        await here.desk.approve(second.id, LEAD)
        refused = await here.ended(second.id)
        assert (refused.state, refused.run) == (RequestState.REFUSED, None)
        assert "orders is frozen by oncall" in refused.why
        assert "refused" in await here.kinds()


async def test_an_approver_ends_freeze_and_cooldown_and_the_channel_reads_it(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        await here.desk.approve((request := await here.asks()).id, LEAD)
        await here.ended(request.id)
        resting = await here.desk.preview("tune", "orders", {"to": "400"})
        assert 'An approver can end that earlier with "thaw orders".' in resting.reason
        await here.desk.locks.freeze("*", ONCALL, "the datacentre moves")
        done = await here.desk.locks.thaw("orders", LEAD, "the fix is in")
        assert done.startswith("lead has ended the cooldown of orders after the last tune: the fix is in.")
        assert "as all targets are, by oncall" in done
        assert await here.desk.locks.thaw("*", LEAD) == (
            "lead has thawed all targets, which oncall had frozen (the datacentre moves)."
        )
        assert "ago; wait until" not in (await here.desk.preview("tune", "orders", {"to": "400"})).reason
        with pytest.raises(Refused, match="orders is in no cooldown, and nobody has frozen it"):
            await here.desk.locks.thaw("orders", LEAD)
        kinds = [row.kind for row in await here.ledger.audit_trail()]
        assert "cooldown.lift" in kinds
        assert (await here.ledger.verify_audit()).problem is None


async def test_who_may_not_freeze_or_thaw_is_told_why_and_the_attempt_is_kept(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        with pytest.raises(Refused, match="is a guest"):
            await here.desk.locks.freeze("orders", GUEST, "release day")
        with pytest.raises(UsageError, match="needs a reason"):
            await here.desk.locks.freeze("orders", ONCALL, " ")
        with pytest.raises(UsageError, match="no target 'ordres'"):
            await here.desk.locks.freeze("ordres", ONCALL, "release day")
        await here.desk.locks.freeze("orders", ONCALL, "release day")
        with pytest.raises(Refused, match="Nothing was changed: orders is frozen by oncall"):
            await here.desk.locks.freeze("orders", LEAD, "mine")
        here.staff.members = ("U0ONCALL",)
        with pytest.raises(Refused, match="You may not thaw orders"):
            await here.desk.locks.thaw("orders", LEAD)
        assert len(await here.desk.locks.frozen()) == 1
        counts = [row.details for row in await here.ledger.audit_trail()]
        assert sum('"counts":false' in one for one in counts) == 3
