"""Pruning: what is over and old goes with all that belongs to it; the chain of what is left can still be verified."""

import io
import itertools
import json
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from actions.kit.errors import Refused
from actions.kit.loop import Ending, Outcome
from bot.ledger import Ask, Auditor, RequestState
from bot.ledger.chain import PRUNED, verify_export
from bot.ledger.exported import line, read
from bot.ledger.prune import Pruner
from bot.ledger.tables import metadata
from tests.bot.ledger.given import LEAD, ONCALL, OPS, Clock, Set, a_plan, approved, change, filed, ledger_in
from tests.databases import change as altered
from tests.databases import rows

AGE = timedelta(days=400)
POLICY = {"rules": {"approvals": 1}}
DONE = Ending(Outcome.DONE)
DISARMED = {
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"),
    "postgresql": ("ALTER TABLE audit DISABLE TRIGGER ALL",),
}


async def over(ledger, target="orders"):
    """A request that was approved, run, reviewed and paid."""
    ask = Ask(a_plan(target), {}, ONCALL, "C0INCIDENT", "down", 0, timedelta(minutes=2), break_glass=True)
    lease = await ledger.begin((await ledger.file(ask)).id)
    await ledger.journal(lease).intends(0, Set(change()))
    await ledger.journal(lease).repaid(change())
    await ledger.end(lease, DONE)
    await ledger.reviews.sign(lease.run_id, LEAD, "seen")
    return lease.run_id


async def a_past(ledger):
    """Something of every kind, all of it over."""
    await ledger.policies.note(POLICY)
    ids = [await over(ledger)]
    for verdict in ("approve", "deny"):
        request = await filed(ledger)
        await ledger.decide(request.id, LEAD, verdict, "no")
        ids.append(request.id)
    await ledger.tokens.issue(LEAD, timedelta(hours=12))
    await ledger.freezes.freeze("orders", LEAD, "work")
    await ledger.freezes.thaw("orders", LEAD, "", lift=False)
    return ids


async def pruned(url, clock, into=None, **settings):
    """What was removed; the rows of the audit as lines, too, where there is a list for them."""
    async with Pruner.open(url, clock=clock) as pruner:
        pruning = await pruner.planned(AGE)
        if into is not None:
            into.extend([line(row) async for row in pruner.rows(pruning)])
        await pruner.carry_out(pruning, LEAD, **settings)
        return pruning


async def verified(url, noted=None):
    async with Auditor.open(url) as auditor:
        return await auditor.verify(noted)


async def exported(url):
    lines = []
    async with Auditor.open(url) as auditor:
        assert (await auditor.export(lines.append)).problem is None
    return lines


def check(lines, **given):
    return verify_export(read(io.BytesIO("".join(lines).encode()), "It"), **given)


def named(url, ids):
    """Where the database still names one of these ids, but for the audit."""
    found = []
    for table in metadata.sorted_tables:
        if table.name != "audit":
            found += [
                (table.name, row) for row in rows(url, f"SELECT * FROM {table.name}") if {*map(str, row)} & {*ids}
            ]
    return found


async def test_what_is_over_and_old_goes_with_all_that_belongs_to_it(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        old = await a_past(ledger)
        clock.passes(minutes=16)
        await ledger.expire_due()
        clock.passes(days=401)
        young = await filed(ledger)
        last = (await ledger.audit_trail(limit=1000))[-2]
        gone = []
        pruning = await pruned(ledger_url, clock, gone, by="root")

        assert (set(pruning.requests), len(pruning.tokens), pruning.rows) == ({*old}, 1, last.number)
        assert named(ledger_url, old) == []
        assert rows(ledger_url, "SELECT count(*) FROM tokens") == [(0,)]
        assert rows(ledger_url, "SELECT DISTINCT request_id FROM outbox") == [(young.id,)]
        assert (await ledger.request(young.id)).state is RequestState.WAITING
        kept = await ledger.audit_trail()
        assert [row.kind for row in kept] == ["request.filed", "policy.changed", PRUNED]
        found = await verified(ledger_url, last.hash)
        assert (found.problem, found.rows, found.before, found.noted_at) == (None, 3, last.number, last.number)
        assert check(gone).problem is None
        assert await ledger.policies.note(POLICY) is None, "what is in force is still known"
        assert (await approved(ledger)).approvals
        with pytest.raises(DBAPIError, match="append-only"):
            altered(ledger_url, "DELETE FROM audit")


async def unpaid(ledger):
    lease = await ledger.begin((await approved(ledger, a_plan("kept"))).id)
    await ledger.journal(lease).intends(0, Set(change()))
    await ledger.end(lease, Ending(Outcome.INCOMPLETE))
    return lease.run_id


async def unsigned(ledger):
    ask = Ask(a_plan("kept"), {}, ONCALL, "C0INCIDENT", "down", 0, timedelta(minutes=2), break_glass=True)
    lease = await ledger.begin((await ledger.file(ask)).id)
    await ledger.end(lease, DONE)
    return lease.run_id


async def running(ledger):
    return (await ledger.begin((await approved(ledger, a_plan("kept"))).id)).run_id


async def unended(ledger):
    return (await filed(ledger, a_plan("kept"))).id


async def token(ledger):
    return (await ledger.tokens.issue(OPS, timedelta(days=500))).token.id


@pytest.mark.parametrize("stays", [unpaid, unsigned, running, unended, token])
async def test_what_is_not_over_stays_with_every_row_of_its_past_and_all_after_it(ledger_url, stays):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        before, kept, after = await over(ledger), await stays(ledger), await over(ledger, "carts")
        first = next(row for row in await ledger.audit_trail() if row.what == kept)
        clock.passes(days=401)
        pruning = await pruned(ledger_url, clock)
        assert set(pruning.requests) == {before, after}
        assert pruning.last == first.number - 1
        assert (await ledger.audit_trail())[0] == first
        assert named(ledger_url, [before, after]) == []
        assert named(ledger_url, [kept]) != []
        assert (await verified(ledger_url)).problem is None


async def test_where_nothing_is_young_the_chain_begins_with_the_row_that_tells_of_it(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        await over(ledger)
        clock.passes(days=401)
        await pruned(ledger_url, clock)
        assert [row.kind for row in await ledger.audit_trail()] == [PRUNED]
        assert (await verified(ledger_url)).problem is None


async def test_exports_continue_each_other_and_a_missing_one_is_named(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        parts = []
        for _ in range(2):
            await over(ledger)
            clock.passes(days=401)
            parts.append([])
            last = await pruned(ledger_url, clock, parts[-1])
        await filed(ledger)
    first, second, rest = *parts, await exported(ledger_url)
    end = check(first).hash

    assert [check(each).problem for each in (first, second, rest, first + second)] == [None] * 4
    assert check(first + second + rest).before == 0
    assert check(second, after=end).problem is None
    assert "no row tells that those before it were pruned" in check(second[1:]).problem
    assert check(second[1:], after=json.loads(second[0])["hash"]).problem is None
    assert f"does not follow the row with the hash {'ab' * 32}" in check(second, after="ab" * 32).problem
    assert f"Row {len(first) + 1} of the audit is missing" in check(first + rest).problem
    assert check(rest).before == last.last
    assert check(second, after=end, noted=end).noted_at == len(first)


async def test_a_beginning_that_was_cut_off_by_hand_is_found(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        await over(ledger)
        clock.passes(days=401)
        await pruned(ledger_url, clock)
        await filed(ledger)
        await filed(ledger)
        (_, second, *_) = await ledger.audit_trail()
        rest = await exported(ledger_url)
        altered(
            ledger_url,
            f"UPDATE audit_head SET first_number = {second.number}, first_previous = '{second.previous}'",
            f"DELETE FROM audit WHERE number < {second.number}",
        )
        found = await verified(ledger_url)
        assert f"Row 1 of the audit is missing or was moved: it begins with row {second.number}" in found.problem
        assert found.problem == check(rest[1:]).problem
        with pytest.raises(Refused, match="is not in order, so that nothing is removed"):
            await pruned(ledger_url, clock)

        altered(
            ledger_url, *DISARMED[ledger_url.partition("+")[0]], f"DELETE FROM audit WHERE number = {second.number}"
        )
        assert f"Row {second.number} of the audit is missing" in (await verified(ledger_url)).problem


async def test_a_row_that_was_changed_after_the_pruning_is_named(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        await over(ledger)
        clock.passes(days=401)
        request = await filed(ledger)
        await pruned(ledger_url, clock)
        (row, *_) = await ledger.audit_trail()
        assert row.what == request.id
    altered(
        ledger_url, *DISARMED[ledger_url.partition("+")[0]], f"UPDATE audit SET kind = 'x' WHERE number = {row.number}"
    )
    assert f"Row {row.number} of the audit was changed" in (await verified(ledger_url)).problem


async def test_of_two_at_once_one_prunes_and_the_other_removes_nothing(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger, Pruner.open(ledger_url, clock=clock) as pruner:
        await over(ledger)
        clock.passes(days=401)
        plan = await pruner.planned(AGE)
        await pruned(ledger_url, clock)
        before = await ledger.audit_trail()
        with pytest.raises(Refused, match="Somebody else has pruned"):
            await pruner.carry_out(plan, LEAD)
        assert await ledger.audit_trail() == before
        assert (await pruner.planned(AGE)).is_nothing


async def test_what_fails_half_way_removes_nothing(ledger_url, monkeypatch):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        old = await over(ledger)
        before = await ledger.audit_trail()
        clock.passes(days=401)
        calls = itertools.count()

        async def fails(*_):
            next(calls)
            raise Refused("The power failed.")

        monkeypatch.setattr("bot.ledger.prune._cut", fails)
        with pytest.raises(Refused, match="power"):
            await pruned(ledger_url, clock)
        assert next(calls) == 1
        assert await ledger.audit_trail() == before
        assert (await ledger.request(old)).run.steps
