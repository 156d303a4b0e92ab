import asyncio
import json

import pytest

from bot.ledger import Person, RequestState, UnknownRequest, Verdict
from tests.bot.ledger.given import LEAD, ONCALL, OPS, Clock, a_plan, filed, ledger_in


async def test_a_filed_request_comes_back_as_it_was_shown(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger)
        assert await ledger.request(request.id.lower().removeprefix("r-")) == request
        assert request.plan == a_plan()
        assert request.plan.fingerprint == a_plan().fingerprint
        assert (request.requester, request.reason, dict(request.options)) == (ONCALL, "slow", {"to": "500"})
        assert request.state is RequestState.WAITING


async def test_ids_hold_nothing_that_is_misread(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        ids = {(await filed(ledger)).id for _ in range(60)}
    assert len(ids) == 60
    assert not set("".join(one.removeprefix("R-") for one in ids)) & set("0O1I")


async def test_a_second_person_approves_and_the_next_click_is_told_who_did(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request = await filed(ledger)
        first = await ledger.decide(request.id, LEAD, "approve")
        clock.passes(seconds=10)
        second = await ledger.decide(request.id, OPS, "approve")
        denied = await ledger.decide(request.id, OPS, "deny", "too late")
        assert (first.ok, first.why, first.request.state) == (True, "Approved.", RequestState.APPROVED)
        assert not second.ok
        assert not denied.ok
        assert second.why == f"{request.id} was already approved by lead at 03:04:05 UTC."
        assert [one.person for one in denied.request.approvals] == [LEAD]
        assert denied.request.denial is None


async def test_who_asked_cannot_approve(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger)
        decided = await ledger.decide(request.id, ONCALL, "approve")
        assert not decided.ok
        assert "a second person has to decide" in decided.why
        assert decided.request.state is RequestState.WAITING
        assert not decided.request.decisions


async def test_nothing_counts_from_the_deadline_on(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request = await filed(ledger, minutes=15)
        clock.passes(minutes=15)
        for verdict in Verdict:
            decided = await ledger.decide(request.id, LEAD, verdict)
            assert not decided.ok
            assert decided.why == f"{request.id} expired at 03:19:05 UTC; ask for it anew."
        assert [one.id for one in await ledger.expire_due()] == [request.id]
        assert await ledger.expire_due() == ()
        assert (await ledger.request(request.id)).state is RequestState.EXPIRED


async def test_two_approvals_need_two_people(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger, needed=2)
        first = await ledger.decide(request.id, LEAD, "approve")
        again = await ledger.decide(request.id, LEAD, "approve")
        assert first.why == "Your approval counts; 1 more needed."
        assert not again.ok
        assert "You approved" in again.why
        assert again.request.state is RequestState.WAITING
        assert (await ledger.decide(request.id, OPS, "approve")).request.state is RequestState.APPROVED


async def test_somebody_may_think_better_of_an_approval_that_is_not_enough_yet(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger, needed=2)
        await ledger.decide(request.id, LEAD, "approve")
        denied = await ledger.decide(request.id, LEAD, "deny", "not at noon")
        assert denied.ok
        assert denied.request.state is RequestState.DENIED
        assert denied.request.denial.reason == "not at noon"
        late = await ledger.decide(request.id, OPS, "approve")
        assert "already denied by lead" in late.why


async def test_only_the_requester_withdraws_and_only_what_waits(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger)
        assert "Only oncall" in (await ledger.withdraw(request.id, LEAD)).why
        taken = (await ledger.withdraw(request.id, ONCALL)).request
        assert taken.state is RequestState.WITHDRAWN
        assert taken.withdrawal.person == ONCALL
        assert taken.approvals == ()
        again = await ledger.withdraw(request.id, ONCALL)
        assert not again.ok
        assert f"{request.id} was already withdrawn by oncall at " in again.why
        assert (await ledger.withdraw(request.id, LEAD)).why == again.why
        assert "already withdrawn" in (await ledger.decide(request.id, LEAD, "approve")).why
        assert not (await ledger.decide(request.id, LEAD, "approve")).ok


async def test_what_needs_no_approval_is_approved_at_once(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        assert (await filed(ledger, needed=0)).state is RequestState.APPROVED


async def test_an_unknown_request_is_named(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        for call in (ledger.request("R-NONE2"), ledger.decide("R-NONE2", LEAD, "approve")):
            with pytest.raises(UnknownRequest, match="There is no request 'R-NONE2'"):
                await call


@pytest.mark.parametrize("needed", [1, 2])
async def test_of_many_clicks_at_once_exactly_as_many_count_as_are_needed(ledger_url, needed):
    async with ledger_in(ledger_url) as one, ledger_in(ledger_url) as other:
        request = await filed(one, needed=needed)
        people = [Person(f"U{number}", f"person {number}") for number in range(20)]
        clicks = [ledger.decide(request.id, person, "approve") for person in people for ledger in (one, other)]
        answers = await asyncio.gather(*clicks)
        assert sum(answer.ok for answer in answers) == needed
        decided = await one.request(request.id)
        assert len({approval.person.id for approval in decided.approvals}) == needed
        assert decided.state is RequestState.APPROVED
        rows = [row for row in await one.audit_trail() if row.kind == "request.approve"]
        assert len(rows) == len(clicks)
        assert sum(json.loads(row.details)["counts"] for row in rows) == needed


async def test_an_approval_and_a_denial_at_once_do_not_both_count(ledger_url):
    async with ledger_in(ledger_url) as one, ledger_in(ledger_url) as other:
        for _ in range(10):
            request = await filed(one)
            answers = await asyncio.gather(
                one.decide(request.id, LEAD, "approve"), other.decide(request.id, OPS, "deny", "no")
            )
            assert sum(answer.ok for answer in answers) == 1


async def test_the_newest_come_first_and_can_be_chosen(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        ids = []
        for target in ("orders", "carts", "orders"):
            clock.passes(seconds=1)
            ids.append((await filed(ledger, a_plan(target))).id)
        assert [one.id for one in await ledger.runs()] == ids[::-1]
        assert [one.id for one in await ledger.runs(target="orders")] == [ids[2], ids[0]]
        assert [one.id for one in await ledger.runs(limit=1)] == [ids[2]]
        assert await ledger.runs(states=(RequestState.DENIED,)) == ()
