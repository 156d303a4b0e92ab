import asyncio
import json
from dataclasses import dataclass
from typing import ClassVar

import pytest

from actions.kit.errors import Stopped
from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.settlement import Answer, Question
from bot.ledger import RequestState, Verdict
from tests.bot.ledger.given import LEAD, ONCALL, OPS, STEP_TYPES, Clock, Set, a_plan, approved, change, filed, ledger_in


@dataclass(frozen=True, slots=True)
class Turn(Set):
    point_of_no_return: ClassVar[bool] = True


PLAN = a_plan("orders", Set(change("maxclients")), Turn(change("timeout")), Set(change("hz")))
STEPS = (*STEP_TYPES, Turn)


async def test_a_run_that_is_cancelled_begins_no_further_step(ledger_url):
    async with ledger_in(ledger_url, step_types=STEPS) as ledger, ledger_in(ledger_url, step_types=STEPS) as other:
        request = await approved(ledger, PLAN)
        lease = await ledger.begin(request.id)
        journal = ledger.journal(lease)
        await journal.intends(0, PLAN.steps[0])
        done = await other.stops.cancel(request.id.lower(), OPS)
        assert (done.ok, done.why) == (True, "It stops before its next step, and puts everything back.")
        assert done.request.run.cancelled.person == OPS
        await journal.ended(0, StepState.DONE, "the step in hand comes to its end")
        with pytest.raises(Stopped, match="ops cancelled it"):
            await journal.intends(1, PLAN.steps[1])
        assert (await ledger.request(request.id)).run.reached == 0
        again = await ledger.stops.cancel(request.id, LEAD)
        assert not again.ok
        assert again.why.startswith(f"ops cancelled {request.id} already, at ")
        await ledger.end(lease, Ending(Outcome.UNDONE))
        assert (await ledger.stops.cancel(request.id, LEAD)).why == f"{request.id} is over: it is undone."


async def test_what_cannot_be_undone_any_more_goes_on(ledger_url):
    async with ledger_in(ledger_url, step_types=STEPS) as ledger:
        request = await approved(ledger, PLAN)
        journal = ledger.journal(await ledger.begin(request.id))
        for index in (0, 1):
            await journal.intends(index, PLAN.steps[index])
        late = await ledger.stops.cancel(request.id, LEAD)
        assert not late.ok
        assert late.why == f"{request.id} cannot be stopped any more: “Set timeout” has begun. It goes on to its end."
        await journal.intends(2, PLAN.steps[2])
        row = [row for row in await ledger.audit_trail() if row.kind == "run.cancel"][-1]
        assert json.loads(row.details)["counts"] is False


async def test_a_cancellation_and_the_turn_at_once_do_not_both_count(ledger_url):
    async with ledger_in(ledger_url, step_types=STEPS) as ledger, ledger_in(ledger_url, step_types=STEPS) as other:
        request = await approved(ledger, PLAN)
        journal = ledger.journal(await ledger.begin(request.id))
        await journal.intends(0, PLAN.steps[0])
        turned, cancelled = await asyncio.gather(
            journal.intends(1, PLAN.steps[1]), other.stops.cancel(request.id, LEAD), return_exceptions=True
        )
        assert isinstance(turned, Stopped) == cancelled.ok


async def test_what_does_not_run_is_not_cancelled_and_is_said_how_to_end(ledger_url):
    async with ledger_in(ledger_url, step_types=STEPS) as ledger:
        waiting = await filed(ledger, PLAN)
        own, other = [await ledger.stops.cancel(waiting.id, person) for person in (ONCALL, LEAD)]
        assert own.why == f"{waiting.id} has not begun: it waits for approval. To stop it, withdraw it."
        assert other.why.endswith("To stop it, an approver can deny it, and oncall can withdraw it.")
        await ledger.decide(waiting.id, LEAD, Verdict.APPROVE)
        assert "is about to begin" in (await ledger.stops.cancel(waiting.id, LEAD)).why
        refused = await ledger.stops.cancel(waiting.id, OPS, "You may not.")
        assert refused.request.state is RequestState.APPROVED


async def test_whoever_may_not_is_told_so(ledger_url):
    async with ledger_in(ledger_url, step_types=STEPS) as ledger:
        request = await approved(ledger, PLAN)
        lease = await ledger.begin(request.id)
        assert (await ledger.stops.cancel(request.id, OPS, "You may not.")).why == "You may not."
        await ledger.journal(lease).intends(0, PLAN.steps[0])


async def test_one_that_asks_past_the_point_of_no_return_is_not_told_to_roll_back(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, step_types=STEPS, clock=clock) as ledger:
        request = await approved(ledger, PLAN)
        await ledger.begin(request.id)
        clock.passes(seconds=15)
        await ledger.questions.ask(await ledger.claim(request.id), Question(("It hangs.",), moved=True))
        assert "Answer it with abandon." in (await ledger.stops.cancel(request.id, LEAD)).why


async def test_one_that_asks_is_answered_and_goes_on_though_it_had_been_cancelled(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, step_types=STEPS, clock=clock) as ledger:
        request = await approved(ledger, PLAN)
        lease = await ledger.begin(request.id)
        await ledger.stops.cancel(request.id, LEAD)
        clock.passes(seconds=15)
        await ledger.questions.ask(await ledger.claim(request.id), Question(("It hangs.",)))
        assert "Answer it with roll back or abandon." in (await ledger.stops.cancel(request.id, LEAD)).why
        assert "asks what to do" in (await ledger.decide(request.id, OPS, Verdict.APPROVE)).why
        await ledger.questions.answer(request.id, LEAD, Answer.RESUME)
        claim = await ledger.claim(request.id)
        await ledger.journal(claim).intends(0, PLAN.steps[0])
        assert lease.epoch < claim.epoch
