import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from actions.kit.errors import Refused
from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.note import Note
from actions.kit.plan import NAMING, SettingChange
from actions.kit.topology import Resource
from bot.ledger import UNKNOWN_STEP, Busy, Lease, LeaseLost, LedgerError, RequestState, RunState
from bot.ledger.tables import runs
from bot.render.json_requests import request_json
from tests.bot.ledger.given import LEAD, NODE, Clock, Set, a_plan, approved, change, filed, ledger_in

DONE = Ending(Outcome.DONE)


async def test_a_run_from_its_beginning_to_its_end(ledger_url):
    clock = Clock()
    plan = a_plan("orders", Set(change("maxclients")), Set(change("timeout")))
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request = await approved(ledger, plan)
        lease = await ledger.begin(request.id)
        journal = ledger.journal(lease)
        await journal.intends(0, plan.steps[0])
        clock.passes(seconds=2)
        told = {"rescue_copy": {"sha256": "ab", "keys": None}}
        await journal.ended(0, StepState.DONE, Note("it is 500", **told))
        running = (await ledger.request(request.id)).run
        assert (running.steps[0].note, running.steps[0].results) == ("it is 500", told)
        assert running.steps[1].results == {}
        shown = request_json(await ledger.request(request.id))["run"]["steps"]
        assert [json.loads(json.dumps(step))["results"] for step in shown] == [told, {}]
        assert [step.state for step in running.steps] == [StepState.DONE, StepState.WAITING]
        assert running.steps[0].ended_at - running.steps[0].started_at == timedelta(seconds=2)
        assert (running.state, running.reached) == (RunState.RUNNING, 0)

        ended = await ledger.end(lease, Ending(Outcome.INCOMPLETE, ("It broke.",)))
        assert ended.state is RequestState.ENDED
        assert (ended.run.state, ended.run.failures) == (RunState.INCOMPLETE, ("It broke.",))
        assert ended.run.steps[1].state == StepState.SKIPPED
        with pytest.raises(LeaseLost):
            await journal.intends(1, plan.steps[1])


async def test_of_many_beginnings_at_once_exactly_one_runs(ledger_url):
    async with ledger_in(ledger_url) as one, ledger_in(ledger_url) as other:
        request = await approved(one)
        begun = await asyncio.gather(
            *(ledger.begin(request.id) for _ in range(15) for ledger in (one, other)), return_exceptions=True
        )
        assert sum(isinstance(each, Lease) for each in begun) == 1
        assert all(isinstance(each, Refused) for each in begun if not isinstance(each, Lease))


async def test_of_many_requests_for_one_target_exactly_one_runs_and_the_others_are_told_which(ledger_url):
    async with ledger_in(ledger_url) as one, ledger_in(ledger_url) as other:
        ids = [(await approved(one)).id for _ in range(6)]
        begun = await asyncio.gather(
            *((one, other)[number % 2].begin(each) for number, each in enumerate(ids)), return_exceptions=True
        )
        (lease,) = [each for each in begun if isinstance(each, Lease)]
        refusals = [each for each in begun if not isinstance(each, Lease)]
        assert all(isinstance(each, Busy) for each in refusals)
        assert all(f"busy: {lease.run_id}, asked for by oncall, has held it since" in str(each) for each in refusals)
        states = {each: (await one.request(each)).state for each in ids}
        assert states.pop(lease.run_id) is RequestState.RUNNING
        assert set(states.values()) == {RequestState.REFUSED}
        assert await one.begin((await approved(one, a_plan("carts"))).id)
        await one.end(lease, DONE)
        assert await other.begin((await approved(one)).id)


async def test_what_is_not_approved_or_too_late_cannot_begin(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        waiting = await filed(ledger)
        late = await approved(ledger)
        with pytest.raises(Refused, match="it is waiting"):
            await ledger.begin(waiting.id)
        clock.passes(minutes=15)
        with pytest.raises(Refused, match="its deadline has passed"):
            await ledger.begin(late.id)
        assert {one.id for one in await ledger.expire_due()} == {waiting.id, late.id}


async def test_a_lapsed_run_is_taken_over_once_and_its_first_owner_is_stopped(ledger_url):
    clock = Clock()
    plan = a_plan("orders", Set(change("maxclients")), Set(change("timeout")))
    async with ledger_in(ledger_url, clock=clock) as first, ledger_in(ledger_url, clock=clock) as second:
        request = await approved(first, plan)
        old = await first.begin(request.id)
        await first.journal(old).intends(0, plan.steps[0])
        assert await second.claim(request.id) is None
        assert await second.unsettled() == ()

        clock.passes(seconds=15)
        assert [one.run.state for one in await second.unsettled()] == [RunState.UNSETTLED]
        claims = await asyncio.gather(*(second.claim(request.id) for _ in range(5)))
        (new,) = [claim for claim in claims if claim]
        assert new.epoch == old.epoch + 1
        assert [step.state for step in (await second.request(request.id)).run.steps] == [
            UNKNOWN_STEP,
            StepState.WAITING,
        ]

        with pytest.raises(LeaseLost, match="taken over"):
            await first.journal(old).intends(1, plan.steps[1])
        with pytest.raises(LeaseLost):
            await first.journal(old).ended(0, StepState.DONE, "it is 500 all the same")
        with pytest.raises(LeaseLost):
            await first.end(old, DONE)
        late = (await first.audit_trail())[-1]
        assert (late.kind, json.loads(late.details)["note"]) == ("step.ended-late", "it is 500 all the same")
        assert (await second.end(new, DONE)).run.state is RunState.DONE


async def test_the_heartbeat_keeps_a_lease_and_its_end_lets_it_lapse(ledger_url):
    """The heart beats by the time of the process, and a lease lapses by that of the ledger, which is set by hand."""
    clock = Clock()
    async with ledger_in(ledger_url, lease_s=0.3, clock=clock) as ledger:
        lease = await ledger.begin((await approved(ledger)).id)
        async with ledger.kept(lease):
            for _ in range(3):
                clock.passes(seconds=0.2)
                await leased_until(ledger, clock.now + timedelta(seconds=0.3))
            assert await ledger.claim(lease.run_id) is None
        clock.passes(seconds=0.3)
        assert await ledger.claim(lease.run_id)


async def leased_until(ledger, moment):
    """Waits until the only lease lasts so long; the time-out of the test bounds it."""
    while True:
        async with ledger._database.reading() as tx:
            if (await tx.connection.execute(select(runs.c.leased_until))).scalar_one() == moment:
                return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("place", [NODE, Resource("deployment", "shop/orders-api"), Resource("group", "6379")], ids=str)
async def test_an_intent_owes_what_it_changes_until_it_is_repaid(ledger_url, place):
    step = Set(change(node=place))
    async with ledger_in(ledger_url) as ledger:
        lease = await ledger.begin((await approved(ledger, a_plan("orders", step))).id)
        journal = ledger.journal(lease)
        await journal.intends(0, step)
        await journal.intends(0, step)
        assert (await ledger.request(lease.run_id)).plan.steps == (step,)
        (debt,) = await ledger.owed("orders")
        assert (debt.change, debt.run_id, debt.at_rest) == (step.change, lease.run_id, False)
        assert await ledger.owed("carts") == ()
        await journal.repaid(step.change)
        assert await ledger.owed() == ()
        assert "debt.paid" in [row.kind for row in await ledger.audit_trail()]


@pytest.mark.parametrize("other", [{"old": "500"}, {"new": "400"}], ids=str)
async def test_a_setting_that_another_run_owes_cannot_be_changed_and_the_intent_leaves_nothing(ledger_url, other):
    step = Set(replace(change(), **other))
    async with ledger_in(ledger_url) as ledger:
        first = await owing(ledger, Set(change()))
        second = await ledger.begin((await approved(ledger)).id)
        with pytest.raises(LedgerError, match="another run still owes a setting"):
            await ledger.journal(second).intends(0, step)
        assert (await ledger.request(second.run_id)).run.reached == -1
        (debt,) = await ledger.owed()
        assert (debt.run_id, debt.at_rest) == (first.run_id, True)
        await ledger.pay(debt, "put back")
        await ledger.journal(second).intends(0, step)
        assert (await ledger.verify_audit()).problem is None


async def test_what_an_ended_run_owes_is_taken_over_by_one_that_changes_the_very_same(ledger_url):
    steps = Set(change()), Set(change("timeout")), Set(change(node=NODE._replace(port=6380)))
    async with ledger_in(ledger_url) as ledger:
        first = await owing(ledger, *steps)
        left = await ledger.owed()
        second = await ledger.begin((await approved(ledger, a_plan("orders", steps[0]))).id)
        journal = ledger.journal(second)
        for _ in range(2):  # The step is done again after a crash.
            await journal.intends(0, steps[0])
        *others, debt = await ledger.owed()
        assert (debt.run_id, debt.change, debt.at_rest) == (second.run_id, steps[0].change, False)
        assert others == list(left[1:]), "what the second run does not touch stays the first one's"
        (row,) = await paid(ledger)
        note = f"maxclients of {NODE} is owed by {second.run_id} now."
        assert (row.what, json.loads(row.details)["note"]) == (first.run_id, note)

        await ledger.pay(left[0], "seen by a look that began earlier")
        assert debt in await ledger.owed(), "it is the second run's to pay"
        await journal.repaid(steps[0].change)
        await journal.repaid(steps[0].change)
        await ledger.pay(debt, "put back")
        assert [row.what for row in await paid(ledger)] == [first.run_id, second.run_id]
        assert await ledger.owed() == left[1:]
        assert (await ledger.verify_audit()).problem is None


async def owing(ledger, *steps):
    """The lease of a run that has ended, and put nothing back."""
    lease = await ledger.begin((await approved(ledger, a_plan("orders", *steps))).id)
    for index, step in enumerate(steps):
        await ledger.journal(lease).intends(index, step)
    await ledger.end(lease, Ending(Outcome.INCOMPLETE))
    return lease


async def paid(ledger):
    """What the audit holds of debts that are no longer owed."""
    return [row for row in await ledger.audit_trail() if row.kind == "debt.paid"]


async def test_whom_a_sentinel_is_to_name_is_owed_by_the_newest_run_and_what_it_is_left_at_is_kept(ledger_url):
    def naming(new, old):
        return Set(SettingChange(NODE, NAMING, new=new, old=old))

    async with ledger_in(ledger_url) as ledger:
        first = await ledger.begin((await approved(ledger, a_plan("orders", naming("a:1", "b:1")))).id)
        await ledger.journal(first).intends(0, naming("a:1", "b:1"))
        await ledger.end(first, Ending(Outcome.DONE))
        second = await ledger.begin((await approved(ledger, a_plan("orders", naming("b:1", "c:1")))).id)
        await ledger.journal(second).intends(0, naming("b:1", "c:1"))
        (debt,) = await ledger.owed()
        assert (debt.run_id, debt.change) == (second.run_id, naming("a:1", "c:1").change)
        await ledger.journal(second).repaid(naming("b:1", "c:1").change)
        assert await ledger.owed() == ()
        assert (await ledger.verify_audit()).problem is None


@pytest.mark.parametrize(
    ("outcome", "rests"), [(Outcome.DONE, True), (Outcome.INCOMPLETE, True), (Outcome.UNDONE, False)]
)
async def test_a_target_rests_after_what_was_done_but_not_after_what_was_undone(ledger_url, outcome, rests):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        lease = await ledger.begin((await approved(ledger)).id)
        await ledger.end(lease, Ending(outcome))
        until = await ledger.cooldown("orders", "tune", 900)
        assert until == (clock.now + timedelta(seconds=900) if rests else None)
        assert await ledger.cooldown("carts", "tune", 900) is None
        assert await ledger.cooldown("orders", "failover", 900) is None
        clock.passes(seconds=900)
        assert await ledger.cooldown("orders", "tune", 900) is None


async def test_of_much_that_differs_a_void_request_says_the_first_and_its_run_all(ledger_url):
    lines = ("was: master 10.0.0.1:6379", "was: x", "is now: master 10.0.0.2:6379", "candidate: was a, is now b")
    async with ledger_in(ledger_url) as ledger:
        voided = await ledger.void(await ledger.begin((await approved(ledger)).id), lines)
        assert voided.why == ("was: master 10.0.0.1:6379; is now: master 10.0.0.2:6379; 2 more lines of what differs.")
        assert voided.run.failures == lines


async def test_what_is_void_has_a_reason_and_frees_the_target(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        lease = await ledger.begin((await approved(ledger)).id)
        voided = await ledger.void(lease, ("The master moved.",))
        assert (voided.state, voided.why) == (RequestState.VOID, "The master moved.")
        assert "The master moved." in (await ledger.decide(voided.id, LEAD, "approve")).why
        assert await ledger.holder("orders") is None


VICTIM = """
import asyncio, sys
from tests.bot.ledger.given import approved, a_plan, ledger_in

async def main():
    async with ledger_in(sys.argv[1], lease_s=0.5) as ledger:
        request = await approved(ledger)
        lease = await ledger.begin(request.id)
        await ledger.journal(lease).intends(0, request.plan.steps[0])
        print(request.id, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_process_killed_between_intent_and_outcome_leaves_an_unknown_step_and_its_debt(ledger_url):
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, ledger_url, stdout=asyncio.subprocess.PIPE
    )
    try:
        request_id = (await victim.stdout.readline()).decode().strip()
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        await victim.wait()
    async with ledger_in(ledger_url) as ledger:
        while (lease := await ledger.claim(request_id)) is None:
            await asyncio.sleep(0.05)
        request = await ledger.request(request_id)
        assert request.run.steps[0].state == UNKNOWN_STEP
        assert (lease.epoch, request.run.reached) == (2, 0)
        assert [debt.change for debt in await ledger.owed()] == [change()]
        assert (await ledger.verify_audit()).problem is None


async def test_a_step_that_is_done_again_takes_as_long_as_the_second_time(ledger_url):
    clock = Clock()
    plan = a_plan("orders", Set(change()))
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request = await approved(ledger, plan)
        lease = await ledger.begin(request.id)
        await ledger.journal(lease).intends(0, plan.steps[0])
        clock.passes(seconds=60)
        again = await ledger.claim(request.id)
        await ledger.journal(again).intends(0, plan.steps[0])
        clock.passes(seconds=2)
        await ledger.journal(again).ended(0, StepState.DONE, "it is 500")
        step = (await ledger.request(request.id)).run.steps[0]
    assert step.ended_at - step.started_at == timedelta(seconds=2)
