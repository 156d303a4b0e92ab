"""Who is at a terminal: every token that is of no use is answered in a sentence, and nothing is done."""

import sqlite3
from contextlib import closing
from datetime import timedelta

from bot.directory import Human
from bot.ledger import Ledger, Person
from tests.bot.cli.conftest import audited, left_by_a_bot
from tests.bot.ledger.given import Clock

DEAD = {"kind": "replication", "nodes": ["127.0.0.1:1"]}


async def test_a_terminal_without_a_token_or_with_a_bad_one_does_nothing(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, oncall, *_):
        secret = oncall.environment["TANDEM_TOKEN"]
        for line, token, code, sentence in (
            ("request failover", None, 2, "TANDEM_TOKEN is not set; it says who you are. Type /redis token in Slack"),
            ("approve R-1 --yes", secret[:-4], 2, "TANDEM_TOKEN is not a token: it is cut off or was changed."),
            (
                "freeze --reason no",
                await _of_another_ledger(terminal),
                3,
                "TANDEM_TOKEN is a token that this ledger does not know.",
            ),
        ):
            ended = await (terminal.of(token) if token else terminal).says(line)
            assert (ended.code, ended.out) == (code, "")
            assert sentence in ended.err
            assert secret[7:20] not in ended.err
        kinds = {kind for kind, *_ in audited(terminal)}
        assert kinds == {"token.issued", "token.refused"}
        assert await ledger.runs() == ()


async def _of_another_ledger(terminal):
    other = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/other.db")
    try:
        return (await other.tokens.issue(Person("U0LEAD", "lead"), timedelta(hours=1))).secret
    finally:
        await other.aclose()


async def test_a_token_dies_with_time_with_its_owner_s_word_and_with_the_account(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, oncall, lead, guest):
        listed = await oncall.says("token list --json")
        assert (listed.code, len(listed.json["tokens"])) == (0, 1)
        token_id = listed.json["tokens"][0]["id"]
        assert token_id in (await oncall.says("token list")).out
        assert (await lead.says(f"token revoke {token_id}")).code == 2
        assert (await oncall.says(f"token revoke {token_id} --json")).json == {"revoked": [token_id]}
        revoked = await oncall.says("token list")
        assert (revoked.code, revoked.out) == (3, "")
        assert "Your token was revoked at " in revoked.err

        refused = await guest.says("token list")
        assert (refused.code, refused.out) == (3, "")
        assert "Your token is of no use. guest (U0GUEST) is a guest." in refused.err

        await ledger.people.remember([Human("U0LEAD", "lead", is_deleted=True)], {})
        gone = await lead.says("request failover")
        assert (gone.code, gone.out) == (3, "")
        assert "since the account is deactivated" in gone.err
        assert ("token.refused", "U0LEAD") in {row[:2] for row in audited(terminal)}


async def test_a_token_that_has_expired_is_refused(terminal):
    async with left_by_a_bot(terminal, **DEAD):
        past = Clock()
        earlier = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/tandem.db", clock=past)
        past.passes(days=-400)
        issued = await earlier.tokens.issue(Person("U0ONCALL", "oncall"), timedelta(hours=12))
        await earlier.aclose()
        ended = await terminal.of(issued.secret).says("request failover")
        assert (ended.code, ended.out) == (3, "")
        assert "Your token expired at 2024-11-28 15:04:05 UTC." in ended.err


async def test_what_slack_said_too_long_ago_is_no_longer_gone_by(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, oncall, *_):
        assert (await oncall.says("token list")).code == 0
        clock = Clock()
        clock.now = (await ledger.people.heard()).now - timedelta(hours=24.1)
        earlier = await Ledger.open(f"sqlite+aiosqlite:///{terminal.directory}/tandem.db", clock=clock)
        await earlier.people.remember([Human("U0ONCALL", "on call")], {})
        await earlier.aclose()
        ended = await oncall.says("token list")
        assert (ended.code, ended.out) == (3, "")
        assert "longer ago than 1 d (TANDEM_PEOPLE_HOURS)" in ended.err


async def test_with_the_ledger_down_nothing_that_changes_begins_and_looking_goes_on(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (_, oncall, *_):
        pass
    with closing(sqlite3.connect(terminal.directory / "tandem.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for line in ("request failover", "freeze --reason no"):
            ended = await oncall.says(line)
            assert (ended.code, ended.out) == (2, "")
            assert "is locked by another process, and did not come free in time. Nothing was written" in ended.err
        assert (await oncall.says("health --json")).json["verdict"] == "undetermined"
        other.execute("ROLLBACK")
    assert {kind for kind, *_ in audited(terminal)} == {"token.issued"}
