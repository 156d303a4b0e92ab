"""What ran without approval leaves a review until a second person has signed it, and nothing else does."""

import asyncio
import json
from datetime import timedelta

from sqlalchemy import select

from actions.kit.loop import Ending, Outcome
from bot.ledger import Ask, RequestState
from bot.ledger.tables import outbox
from tests.bot.ledger.given import LEAD, ONCALL, OPS, Clock, a_plan, approved, ledger_in

DAY = timedelta(hours=24)


async def broken(ledger):
    """A request that nobody has approved and that may begin."""
    return await ledger.file(Ask(a_plan(), {}, ONCALL, "C0INCIDENT", "down", 0, timedelta(minutes=2), break_glass=True))


async def ran(ledger, request):
    lease = await ledger.begin(request.id)
    return await ledger.end(lease, Ending(Outcome.DONE))


async def test_a_review_is_open_from_the_beginning_of_the_run_and_signed_once_by_a_second_person(ledger_url):
    async with ledger_in(ledger_url, clock=Clock()) as ledger:
        request = await broken(ledger)
        assert (request.state, request.break_glass, request.review) == (RequestState.APPROVED, True, None)
        lease = await ledger.begin(request.id)
        assert [one.id for one in await ledger.reviews.unsigned()] == [request.id]
        early = await ledger.reviews.sign(request.id, LEAD, "fine")
        await ledger.end(lease, Ending(Outcome.DONE))
        own = await ledger.reviews.sign(request.id, ONCALL, "fine")
        signed = await ledger.reviews.sign(request.id.lower(), LEAD, "the disk was dying")
        late = await ledger.reviews.sign(request.id, OPS, "me too")
        assert [one.ok for one in (early, own, signed, late)] == [False, False, True, False]
        assert "has not ended" in early.why
        assert "a second person has to sign" in own.why
        assert signed.why == f"Signed: the review of {request.id} is closed."
        assert late.why.endswith("was signed by lead at 03:04:05 UTC.")
        review = late.request.review
        assert (review.signed_by, review.note) == (LEAD, "the disk was dying")
        assert await ledger.reviews.unsigned() == ()
        signs = [json.loads(row.details)["counts"] for row in await ledger.audit_trail() if row.kind == "review.sign"]
        assert signs == [False, False, True, False]


async def test_it_is_asked_for_when_the_run_has_ended_and_then_each_day_until_it_is_signed(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger, ledger_in(ledger_url, clock=clock) as other:
        request = await broken(ledger)
        lease = await ledger.begin(request.id)
        assert await ledger.reviews.due() == ()
        await ledger.end(lease, Ending(Outcome.UNDONE))
        for _ in range(2):
            (due,) = await ledger.reviews.due()
            asked = await asyncio.gather(*(one.reviews.ask_for(due, ["U0LEAD"], DAY) for one in (ledger, other)))
            assert sorted(asked) == [False, True]
            assert await ledger.reviews.due() == ()
            clock.passes(hours=24)
        await ledger.reviews.sign(request.id, LEAD, "fine")
        assert await ledger.reviews.due() == ()
        assert not await ledger.reviews.ask_for(due, [], DAY)
        async with ledger._database.reading() as tx:
            shown = (await tx.connection.execute(select(outbox.c.kind, outbox.c.under))).all()
        below = f"review:{request.id}"
        assert {tuple(row) for row in shown if row.kind.startswith("re")} == {("review", None), ("reminder", below)}


async def test_what_did_nothing_and_what_was_approved_leave_none(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        void = await broken(ledger)
        await ledger.void(await ledger.begin(void.id), ("The master is another one.",))
        usual = await ran(ledger, await approved(ledger))
        expired = await broken(ledger)
        clock.passes(minutes=3)
        await ledger.expire_due()
        assert await ledger.reviews.unsigned() == ()
        for request in (void, usual, expired):
            signed = await ledger.reviews.sign(request.id, LEAD, "fine")
            assert (signed.ok, signed.request.review) == (False, None)
            assert "has no review" in signed.why
        kinds = [row.kind for row in await ledger.audit_trail()]
        assert kinds.index("review.drop") == kinds.index("run.void") + 1
