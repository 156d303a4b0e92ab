"""What Slack said of people, and when: written down when it is new, and now and then when it is not."""

from datetime import timedelta

from bot.directory import Human
from bot.ledger.people import FRESH_FOR
from tests.bot.ledger.given import Clock, ledger_in

LEAD, GUEST = Human("U0LEAD", "lead"), Human("U0GUEST", "guest", is_guest=True)


async def test_what_is_remembered_is_as_old_as_the_last_time_that_slack_said_so(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        first = clock.now
        await ledger.people.remember([LEAD, GUEST], {"S0OPS": ("U0LEAD", "U0GUEST")})
        clock.passes(seconds=FRESH_FOR.total_seconds() / 2)
        await ledger.people.remember([LEAD], {"S0OPS": ("U0LEAD",)})
        heard = await ledger.people.heard()
        assert heard.humans == {"U0LEAD": (LEAD, first), "U0GUEST": (GUEST, first)}
        assert heard.groups == {"S0OPS": (("U0LEAD",), clock.now)}, "it was new"
        clock.passes(seconds=FRESH_FOR.total_seconds() / 2)
        await ledger.people.remember([LEAD], {})
        heard = await ledger.people.heard()
        assert (heard.humans["U0LEAD"][1], heard.humans["U0GUEST"][1]) == (clock.now, first)


async def test_who_was_asked_about_the_longest_ago_comes_first(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        for human in (GUEST, LEAD):
            await ledger.people.remember([human], {})
            clock.passes(seconds=1)
        clock.passes(seconds=(FRESH_FOR - timedelta(seconds=1)).total_seconds())
        await ledger.people.remember([Human("U0OPS", "ops")], {})
        heard = await ledger.people.heard()
        asked = heard.stale(["U0LEAD", "U0OPS", "U0GUEST", "U0NEW", "U0LEAD"], heard.humans)
    assert asked == ["U0NEW", "U0GUEST", "U0LEAD"]


async def test_what_is_known_is_not_written_again(tmp_path):
    async with ledger_in(tmp_path) as ledger:
        await ledger.people.remember([LEAD], {})
        before = (tmp_path / "tandem.db-wal").stat()
        await ledger.people.remember([LEAD], {})
        after = (tmp_path / "tandem.db-wal").stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
