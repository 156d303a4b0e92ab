"""Who may hold a token, for how long, and that each use asks again who its owner is."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from actions.kit.errors import Refused, UsageError
from bot.fleet import Fleet
from bot.policy import Policy
from bot.requests.tokens import TokenDesk
from tests.bot.desks import GUEST, LEAD, ONCALL, Staff
from tests.bot.ledger.given import ledger_in


@asynccontextmanager
async def tokens(folder):
    async with ledger_in(folder) as ledger:
        staff = Staff()
        yield TokenDesk(ledger, Policy(Fleet({}, {}, {}, {}), staff), timedelta(hours=12)), staff, ledger


async def test_a_colleague_gets_one_for_as_long_as_it_may_live_or_less(tmp_path):
    async with tokens(tmp_path) as (desk, _, _):
        for hours, lasts in (("", timedelta(hours=12)), ("0.5", timedelta(minutes=30)), ("12", timedelta(hours=12))):
            token = (await desk.issue(ONCALL, hours)).token
            assert token.expires_at - token.issued_at == lasts
        for hours in ("13", "0", "-1", "nan", "1e400", "soon"):
            with pytest.raises(UsageError, match="12 h"):
                await desk.issue(ONCALL, hours)
        assert len(await desk.of(ONCALL)) == 3
        assert await desk.of(LEAD) == ()


async def test_who_is_no_colleague_or_cannot_be_looked_up_gets_none(tmp_path):
    async with tokens(tmp_path) as (desk, staff, ledger):
        with pytest.raises(Refused, match=r"No token was issued\. guest \(U0GUEST\) is a guest"):
            await desk.issue(GUEST)
        staff.reachable = False
        with pytest.raises(Refused, match=r"No token was issued\. U0LEAD could not be looked up"):
            await desk.issue(LEAD)
        assert await ledger.tokens.owners() == ()


async def test_each_use_asks_who_its_owner_is(tmp_path):
    async with tokens(tmp_path) as (desk, staff, ledger):
        issued = await desk.issue(ONCALL)
        assert (await desk.owner(issued.secret)).person.id == "U0ONCALL"
        staff.reachable = False
        with pytest.raises(Refused, match="U0ONCALL could not be looked up, and so may not now"):
            await desk.owner(issued.secret)
        refused = (await ledger.audit_trail())[-1]
        assert (refused.kind, refused.who_id, refused.what) == ("token.refused", "U0ONCALL", issued.token.id)
