"""Freezes and lifted cooldowns in the ledger: what they keep from beginning, and from when on."""

import json

import pytest

from actions.kit.errors import Refused
from actions.kit.loop import Ending, Outcome
from bot.ledger import ALL, Busy, RequestState
from tests.bot.ledger.given import LEAD, ONCALL, Clock, approved, filed, ledger_in


@pytest.mark.parametrize("target", ["orders", ALL])
async def test_what_was_approved_does_not_begin_on_a_target_that_was_frozen_meanwhile(ledger_url, target):
    async with ledger_in(ledger_url, clock=Clock()) as ledger:
        request = await approved(ledger)
        assert await ledger.freezes.freeze(target, LEAD, "release day") is None
        with pytest.raises(Busy, match="by lead since 2026-01-02 03:04:05 UTC: release day") as refused:
            await ledger.begin(request.id)
        now = await ledger.request(request.id)
        assert (now.state, now.why, now.run) == (RequestState.REFUSED, str(refused.value), None)
        assert f'"thaw {target}"' in now.why
        rows = await ledger.audit_trail()
        assert [row.kind for row in rows][-2:] == ["target.freeze", "request.refused"]


async def test_a_frozen_target_says_nothing_else_of_what_is_not_approved(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger)
        await ledger.freezes.freeze("orders", LEAD, "release day")
        with pytest.raises(Refused, match="it is waiting"):
            await ledger.begin(request.id)
        assert (await ledger.request(request.id)).state is RequestState.WAITING


async def test_another_target_and_a_run_that_has_begun_are_not_touched(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        await ledger.freezes.freeze("carts", LEAD, "release day")
        lease = await ledger.begin((await approved(ledger)).id)
        await ledger.freezes.freeze("orders", LEAD, "release day")
        assert (await ledger.end(lease, Ending(Outcome.DONE))).run.state == "done"


async def test_the_first_freeze_stays_and_both_names_of_a_target_count(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        await ledger.freezes.freeze("orders", LEAD, "release day")
        again = await ledger.freezes.freeze("orders", ONCALL, "mine")
        assert (again.by, again.reason) == (LEAD, "release day")
        await ledger.freezes.freeze(ALL, ONCALL, "the datacentre moves")
        why = await ledger.freezes.why_not("orders")
        assert "by lead" in why
        assert "as all targets are, by oncall" in why
        assert await ledger.freezes.thaw("orders", ONCALL, "", lift=False) == again
        assert "by lead" not in await ledger.freezes.why_not("orders")
        assert await ledger.freezes.thaw("orders", ONCALL, "", lift=False) is None
        assert await ledger.freezes.thaw(ALL, ONCALL, "", lift=False) is not None
        assert await ledger.freezes.on() == ()
        told = [(row.kind, json.loads(row.details)["counts"]) for row in await ledger.audit_trail()]
        assert told[:2] == [("target.freeze", True), ("target.freeze", False)]
        assert told[3:] == [("target.thaw", True), ("target.thaw", False), ("target.thaw", True)]


async def test_a_lifted_cooldown_counts_only_what_ended_after_it(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        for _ in range(2):
            lease = await ledger.begin((await approved(ledger)).id)
            await ledger.end(lease, Ending(Outcome.DONE))
            clock.passes(seconds=1)
            assert await ledger.cooldown("orders", "tune", 900) is not None
            await ledger.freezes.thaw("orders", LEAD, "the fix is in", lift=True)
            assert await ledger.cooldown("orders", "tune", 900) is None
            clock.passes(seconds=1)
