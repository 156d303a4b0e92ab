"""Tokens: shown once, kept as a hash, expiring, ended by their owner; every vain use is answered and written down."""

import json
import sqlite3
from datetime import timedelta

import pytest

from actions.kit.errors import Refused, SettingsError, UsageError
from bot.directory import Human
from bot.ledger import Origin, Person
from bot.ledger.tokens import MAX_LIVE
from tests.bot.ledger.given import LEAD, ONCALL, Clock, ledger_in

HALF_A_DAY = timedelta(hours=12)


async def kinds(ledger):
    return [(row.kind, row.who_id, row.what) for row in await ledger.audit_trail()]


async def test_a_token_says_who_somebody_is_and_its_first_use_is_written_down(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        issued = await ledger.tokens.issue(ONCALL, HALF_A_DAY)
        for _ in range(2):
            token = await ledger.tokens.use(issued.secret)
            assert (token.id, token.person) == (issued.token.id, Person("U0ONCALL", "oncall", Origin.TERMINAL))
        assert await kinds(ledger) == [
            ("token.issued", "U0ONCALL", token.id),
            ("token.used", "U0ONCALL", token.id),
        ]
        assert (await ledger.tokens.use(issued.secret)).used_at is not None


async def test_neither_the_ledger_nor_its_audit_holds_the_token(tmp_path):
    async with ledger_in(tmp_path) as ledger:
        secret = (await ledger.tokens.issue(ONCALL, HALF_A_DAY)).secret
        await ledger.tokens.use(secret)
        with pytest.raises(SettingsError):
            await ledger.tokens.use(secret[:-1])
        await ledger.tokens.revoke(ONCALL)
        with pytest.raises(Refused):
            await ledger.tokens.use(secret)
    with sqlite3.connect(tmp_path / "tandem.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "token.revoked" in dump
    assert secret[7:30] not in dump


@pytest.mark.parametrize(
    "broken",
    [
        lambda secret: secret[:-1],
        lambda secret: secret[:20] + ("0" if secret[20] != "0" else "1") + secret[21:],
        lambda secret: secret.upper(),
        lambda secret: secret + "\n",
        lambda _: "xoxb-1",
        lambda _: "",
        lambda _: "tandem_é",
    ],
)
async def test_one_that_was_copied_badly_is_told_from_one_that_was_never_issued(tmp_path, broken):
    async with ledger_in(tmp_path) as ledger, ledger_in(_folder(tmp_path)) as other:
        secret = (await other.tokens.issue(ONCALL, HALF_A_DAY)).secret
        with pytest.raises(SettingsError, match="is not a token: it is cut off or was changed"):
            await ledger.tokens.use(broken(secret))
        with pytest.raises(Refused, match="a token that this ledger does not know"):
            await ledger.tokens.use(secret)
        told = await ledger.audit_trail()
        assert [row.what for row in told[-2:]] == ["malformed", "unknown"]
        assert {(row.kind, row.who_id) for row in told[-2:]} == {("token.refused", "unknown")}


async def test_it_is_good_until_it_expires(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        issued = await ledger.tokens.issue(ONCALL, HALF_A_DAY)
        clock.passes(hours=11.9)
        await ledger.tokens.use(issued.secret)
        clock.passes(hours=0.1)
        with pytest.raises(Refused, match=r"Your token expired at 2026-01-02 15:04:05 UTC\. Type /redis token in"):
            await ledger.tokens.use(issued.secret)
        assert (await kinds(ledger))[-1] == ("token.refused", "U0ONCALL", issued.token.id)
        assert await ledger.tokens.of("U0ONCALL") == ()
        assert await ledger.tokens.owners() == ()


async def test_its_owner_ends_one_or_all_and_nobody_else_does(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        first, second, third = [await ledger.tokens.issue(ONCALL, HALF_A_DAY) for _ in range(3)]
        assert [one.live for one in (first, second, third)] == [1, 2, 3]
        with pytest.raises(UsageError, match=f"You have no live token {first.token.id}"):
            await ledger.tokens.revoke(LEAD, first.token.id)
        assert await ledger.tokens.revoke(ONCALL, first.token.id.lower()) == (first.token.id,)
        with pytest.raises(Refused, match=r"was revoked at .* by its owner"):
            await ledger.tokens.use(first.secret)
        await ledger.tokens.use(second.secret)
        assert await ledger.tokens.revoke(LEAD) == ()
        assert set(await ledger.tokens.revoke(ONCALL)) == {second.token.id, third.token.id}
        assert await ledger.tokens.revoke(ONCALL) == ()


async def test_nobody_has_more_than_a_few(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        for _ in range(MAX_LIVE):
            await ledger.tokens.issue(ONCALL, HALF_A_DAY)
        with pytest.raises(Refused, match=r"You have 5 live tokens.*/redis token revoke"):
            await ledger.tokens.issue(ONCALL, HALF_A_DAY)
        await ledger.tokens.issue(LEAD, HALF_A_DAY)
        assert await ledger.tokens.owners() == ("U0LEAD", "U0ONCALL")


async def test_tokens_die_with_the_account(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        issued, other = await ledger.tokens.issue(ONCALL, HALF_A_DAY), await ledger.tokens.issue(LEAD, HALF_A_DAY)
        await ledger.people.remember([Human("U0ONCALL", "oncall"), Human("U0LEAD", "lead")], {})
        await ledger.tokens.use(issued.secret)
        await ledger.people.remember([Human("U0ONCALL", "oncall", is_deleted=True)], {})
        with pytest.raises(Refused, match="since the account is deactivated"):
            await ledger.tokens.use(issued.secret)
        await ledger.tokens.use(other.secret)
        revoked = next(row for row in await ledger.audit_trail() if row.kind == "token.revoked")
        assert (revoked.who_id, revoked.what) == ("tandem", issued.token.id)
        assert json.loads(revoked.details) == {"why": "since the account is deactivated"}


def _folder(path):
    other = path / "other"
    other.mkdir()
    return other
