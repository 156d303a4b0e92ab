import asyncio
import json

import pytest

from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.settlement import Answer, Question
from bot.ledger import LeaseLost, RequestState, RunState
from tests.bot.ledger.given import LEAD, ONCALL, OPS, Clock, Set, a_plan, approved, change, ledger_in

WHY = Question(("The master does not answer.",), moved=None)


async def asking(ledger, clock, question=WHY):
    """A run that was cut off in its first step, and asks; with the lease of who asks."""
    request = await approved(ledger, a_plan("orders", Set(change("maxclients")), Set(change("timeout"))))
    lease = await ledger.begin(request.id)
    await ledger.journal(lease).intends(0, request.plan.steps[0])
    clock.passes(seconds=15)
    claim = await ledger.claim(request.id)
    return await ledger.questions.ask(claim, question), claim


async def test_while_it_asks_nobody_goes_on_with_it_and_the_target_stays_locked(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger, ledger_in(ledger_url, clock=clock) as other:
        request, claim = await asking(ledger, clock)
        assert (claim.times, claim.in_time, claim.answered) == (1, True, None)
        assert (request.state, request.run.state) == (RequestState.RUNNING, RunState.ASKING)
        assert (request.run.question, request.run.asked_at) == (WHY, clock.now)
        assert (await ledger.busy("orders")).endswith(f", and asks what to do: see show {request.id}.")
        clock.passes(hours=1)
        assert await other.unsettled() == ()
        assert await other.claim(request.id) is None
        with pytest.raises(LeaseLost):
            await ledger.journal(claim).ended(0, StepState.DONE, "late")
        assert [debt.at_rest for debt in await ledger.owed()] == [True]


async def test_an_answer_counts_once_and_is_used_up_when_the_run_is_claimed(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger, ledger_in(ledger_url, clock=clock) as other:
        request, _ = await asking(ledger, clock)
        answers = await asyncio.gather(
            *(
                one.questions.answer(request.id, person, answer)
                for one in (ledger, other)
                for person, answer in ((LEAD, Answer.RESUME), (OPS, Answer.ROLL_BACK))
            )
        )
        (counted,) = [answer for answer in answers if answer.ok]
        told = counted.request.run.answered
        assert counted.request.run.state is RunState.UNSETTLED
        assert all(f"{told.person.name} said at 03:04:20 UTC" in each.why for each in answers if not each.ok)
        assert [one.id for one in await other.unsettled()] == [request.id]

        claims = [claim for claim in await asyncio.gather(*(other.claim(request.id) for _ in range(4))) if claim]
        (claim,) = claims
        assert (claim.answered, claim.times) == (told, 1)
        assert (await ledger.request(request.id)).run.question is None
        clock.passes(seconds=15)
        again = await ledger.claim(request.id)
        assert (again.answered, again.times) == (None, 2), "cut off again: the answer was for the first time only"
        rows = [row for row in await ledger.audit_trail() if row.kind == "run.answered"]
        assert sorted(json.loads(row.details)["counts"] for row in rows) == [False, False, False, True]


async def test_who_has_read_an_earlier_question_is_shown_the_newest(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        first, _ = await asking(ledger, clock)
        assert (await ledger.questions.answer(first.id, LEAD, Answer.RESUME, first.run.asked_at)).ok
        claim = await ledger.claim(first.id)
        clock.passes(seconds=1)
        second = await ledger.questions.ask(claim, Question(("It moved.",), moved=True))
        stale = await ledger.questions.answer(first.id, LEAD, Answer.RESUME, first.run.asked_at)
        assert not stale.ok
        assert "asks something else by now" in stale.why
        back = await ledger.questions.answer(first.id, LEAD, Answer.ROLL_BACK, second.run.asked_at)
        assert not back.ok
        assert back.why.endswith("cannot be rolled back any more: It moved.")
        assert (await ledger.questions.answer(first.id, LEAD, Answer.RESUME, second.run.asked_at)).ok


async def test_what_is_abandoned_ends_at_once_and_its_debts_stay(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request, _ = await asking(ledger, clock)
        ended = (await ledger.questions.answer(request.id, ONCALL, Answer.ABANDON)).request
        assert (ended.state, ended.run.state) == (RequestState.ENDED, RunState.INCOMPLETE)
        assert ended.run.failures == ("oncall abandoned it. It had asked: The master does not answer.",)
        assert await ledger.busy("orders") is None
        assert [debt.at_rest for debt in await ledger.owed()] == [True]
        late = await ledger.questions.answer(request.id, LEAD, Answer.RESUME)
        assert late.why.endswith("asks nothing now: it is incomplete. oncall said at 03:04:20 UTC: abandon.")


async def test_who_may_not_answer_is_told_so_and_it_stays_in_the_audit(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request, _ = await asking(ledger, clock)
        answered = await ledger.questions.answer(request.id, OPS, Answer.RESUME, why_not="You may not.")
        assert (answered.ok, answered.why) == (False, "You may not.")
        row = (await ledger.audit_trail())[-1]
        assert (row.who_id, json.loads(row.details)["counts"]) == (OPS.id, False)
        waiting = await approved(ledger, a_plan("carts"))
        no_run = await ledger.questions.answer(waiting.id, LEAD, Answer.RESUME)
        assert no_run.why == f"{waiting.id} has no run that could ask anything: it is approved."


async def test_who_puts_things_back_meanwhile_keeps_others_out_until_that_is_over(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger, ledger_in(ledger_url, clock=clock) as other:
        request, _ = await asking(ledger, clock)
        lease = await ledger.questions.tend(request.id)
        assert await other.questions.tend(request.id) is None
        assert (await other.questions.answer(request.id, LEAD, Answer.ROLL_BACK)).ok
        assert await other.claim(request.id) is None
        await ledger.questions.release(lease)
        assert await other.questions.tend(request.id) is None, "it asks nothing any more"
        claim = await other.claim(request.id)
        assert claim.answered.answer is Answer.ROLL_BACK
        await ledger.questions.release(lease)
        assert await ledger.claim(request.id) is None, "a lease that was lost is not ended by who had it"
        await other.end(claim, Ending(Outcome.UNDONE))


async def test_what_begins_again_begins_with_its_first_step(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request, _ = await asking(ledger, clock)
        await ledger.questions.answer(request.id, LEAD, Answer.RESUME)
        claim = await ledger.claim(request.id)
        await ledger.questions.again(claim)
        assert (await ledger.request(request.id)).run.reached == -1


@pytest.mark.parametrize(("minutes", "in_time"), [(14, True), (16, False)])
async def test_an_approval_holds_as_long_as_its_request_could_have_waited(ledger_url, minutes, in_time):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request = await approved(ledger)
        clock.passes(minutes=10)
        await ledger.begin(request.id)
        clock.passes(minutes=minutes)
        assert (await ledger.claim(request.id)).in_time is in_time
