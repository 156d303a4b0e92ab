"""Whose run it is, and which runs this version can read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bot.ledger import LedgerError
from bot.ledger.owner import is_gone, myself
from tests.bot.ledger.given import Clock, a_plan, approved, filed, ledger_in
from tests.databases import change


def test_a_process_of_this_host_that_has_ended_is_gone() -> None:
    me = myself()
    host = me.rsplit(":", 2)[0]
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        ended.wait()
    assert is_gone(f"{host}:{ended.pid}:00000000", me)
    assert is_gone(f"{host}:{os.getpid()}:00000000", me), "its number is ours now"


def test_a_process_that_lives_or_is_elsewhere_is_not_gone() -> None:
    me = myself()
    host = me.rsplit(":", 2)[0]
    assert not is_gone(me, me)
    assert not is_gone(myself(), me), "a second ledger of this process"
    assert not is_gone(f"{host}:{os.getppid()}:00000000", me)
    assert not is_gone("another/4026531836:1:00000000", me)
    name = host.rpartition("/")[0]
    assert not is_gone(f"{name}/1:{os.getpid()}:00000000", me), "process 1 of another container of the same name"


async def test_a_request_that_another_version_wrote_keeps_no_other_from_being_seen_to(ledger_url) -> None:
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        strange, other = await filed(ledger), await filed(ledger, a_plan("carts"))
        cut_off = await approved(ledger, a_plan("sessions"))
        await ledger.begin(cut_off.id)
        change(ledger_url, f"UPDATE requests SET plan = '{{}}' WHERE id = '{strange.id}'")
        assert {one.id for one in await ledger.runs()} == {other.id, cut_off.id}
        clock.passes(minutes=16)
        assert [one.id for one in await ledger.expire_due()] == [other.id]
        assert [one.id for one in await ledger.unsettled()] == [cut_off.id]
        with pytest.raises(LedgerError, match="another version wrote it"):
            await ledger.request(strange.id)
