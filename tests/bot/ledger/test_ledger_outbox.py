"""What there is to show: written with the facts, claimed by one sender, in order, until it is shown or given up."""

import asyncio
import sys
from contextlib import suppress

from alembic import command
from alembic.config import Config

from actions.kit.loop import Ending, Outcome
from bot.ledger import messages
from bot.ledger.agenda import Entry, Place
from bot.ledger.outbox import LEASE, Outbox
from bot.ledger.watcher import Nobody, TransactionKind
from tests.bot.ledger.given import LEAD, ONCALL, Clock, Set, a_plan, approved, change, filed, ledger_in
from tests.databases import change as edit
from tests.databases import connected, rows

HERE = Place("C0INCIDENT", "1.000001")


class Turns(Nobody):
    """Counts the transactions that write."""

    taken = 0

    def transacted(self, kind: TransactionKind, seconds: float, *, failed: bool) -> None:
        self.taken += kind == "write"


async def due(outbox: Outbox) -> list[Entry]:
    """Everything that is due, claimed."""
    claimed = [await outbox.claim(one) for one in (await outbox.agenda()).due]
    return [one for one in claimed if one is not None]


async def shown(outbox: Outbox) -> list[str]:
    """Show all that is due, again and again, until nothing is; returns the keys in that order."""
    keys: list[str] = []
    while entries := await due(outbox):
        for entry in entries:
            keys.append(entry.key.partition(":")[0])
            assert await outbox.shown(entry, Place(entry.channel, f"{len(keys)}.0"))
    return keys


async def test_what_happens_to_a_request_is_to_be_shown_in_its_order(ledger_url):
    plan = a_plan("orders", Set(change()))
    async with ledger_in(ledger_url) as ledger:
        request = await filed(ledger, plan)
        assert await shown(ledger.outbox) == ["card"]
        await ledger.decide(request.id, ONCALL, "approve")
        assert await shown(ledger.outbox) == [], "what does not count changes nothing"
        await ledger.decide(request.id, LEAD, "approve")
        lease = await ledger.begin(request.id)
        assert await shown(ledger.outbox) == ["card", "approved"], "until a run does something it may be void"
        await ledger.journal(lease).intends(0, plan.steps[0])
        assert await shown(ledger.outbox) == ["run"]
        await ledger.end(lease, Ending(Outcome.DONE))
        assert await shown(ledger.outbox) == ["run", "transcript"]


async def test_a_fact_that_is_not_committed_leaves_no_message(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        with suppress(ZeroDivisionError):
            async with ledger._database.writing() as tx:
                await messages.tell(tx, ONCALL.id, "It is done.")
                raise ZeroDivisionError
        assert (await ledger.outbox.agenda()).due == ()
        assert not ledger.outbox.changed.is_set()


async def test_of_many_senders_one_gets_a_message(ledger_url):
    async with ledger_in(ledger_url) as one, ledger_in(ledger_url) as other:
        await filed(one)
        (entry,) = (await one.outbox.agenda()).due
        claims = await asyncio.gather(*(ledger.outbox.claim(entry) for _ in range(10) for ledger in (one, other)))
        assert sum(claim is not None for claim in claims) == 1
        assert (await other.outbox.agenda()).due == ()


async def test_what_waits_for_its_turn_shares_a_transaction(tmp_path):
    turns = Turns()
    async with ledger_in(tmp_path, watcher=turns) as ledger:
        for number in range(20):
            await ledger.outbox.told(ONCALL.id, str(number))
        dues = (await ledger.outbox.agenda()).due
        turns.taken = 0
        claims = await asyncio.gather(*map(ledger.outbox.claim, dues))
        kept = await asyncio.gather(*(ledger.outbox.shown(one, HERE) for one in claims if one))
        assert (kept, turns.taken) == ([True] * 20, 4), "the first of each alone, and then all others"
        assert (await ledger.outbox.agenda()).due == ()


async def test_a_claim_that_lapsed_leaves_a_doubt_and_its_owner_learns_that_it_is_lost(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        await filed(ledger)
        (slow,) = await due(ledger.outbox)
        assert not slow.doubtful
        agenda = await ledger.outbox.agenda()
        assert (agenda.due, agenda.next_s) == ((), LEASE.total_seconds())
        clock.passes(seconds=LEASE.total_seconds())
        (quick,) = await due(ledger.outbox)
        assert quick.doubtful
        assert not await ledger.outbox.shown(slow, HERE)
        assert await ledger.outbox.shown(quick, HERE)
        assert await ledger.outbox.place(quick.key) == HERE


async def test_nobody_waits_for_a_process_that_is_gone(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        await filed(ledger)
        (entry,) = await due(ledger.outbox)
        host, _, _ = entry.claim.rpartition("/")[0].rsplit(":", 2)
        dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
        await dead.wait()
        edit(ledger_url, f"UPDATE outbox SET claimed_by = '{host}:{dead.pid}:0a1b2c3d/4e5f6071'")
        (again,) = await due(ledger.outbox)
        assert again.doubtful
        assert not await ledger.outbox.shown(entry, HERE)


async def test_what_changed_while_it_was_sent_is_sent_once_more_after_a_rest(ledger_url):
    clock = Clock()
    async with ledger_in(ledger_url, clock=clock) as ledger:
        request = await filed(ledger)
        (entry,) = await due(ledger.outbox)
        await ledger.decide(request.id, LEAD, "deny", "no")
        await ledger.outbox.shown(entry, HERE, rest_s=1.5)
        agenda = await ledger.outbox.agenda()
        assert (agenda.due, agenda.updates, agenda.next_s) == ((), 1, 1.5)
        clock.passes(seconds=1.5)
        (again,) = await due(ledger.outbox)
        assert (again.place, again.kind) == (HERE, "card")


async def test_a_message_of_one_request_that_has_to_wait_keeps_no_other_request_waiting(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        first, second = await approved(ledger), await filed(ledger)
        card, other = (await ledger.outbox.agenda()).due
        assert (card.lane, other.lane) == (first.id, second.id), "the word that it is approved comes after its card"
        claimed = await ledger.outbox.claim(card)
        await ledger.outbox.later(claimed, 60)
        assert (await ledger.outbox.agenda()).due == (other,)


async def test_where_a_channel_takes_nothing_the_rest_goes_to_the_requester(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        await approved(ledger)
        (card,) = await due(ledger.outbox)
        await ledger.outbox.give_up(card, "is_archived")
        (word,) = await due(ledger.outbox)
        assert (word.kind, word.homeless) == ("approved", True)
        await ledger.outbox.move(word)
        (direct,) = await due(ledger.outbox)
        assert (direct.kind, direct.channel, direct.body) == ("direct", ONCALL.id, {"why": "is_archived"})
        await ledger.outbox.shown(direct, Place("D0", "2.0"))
        (word,) = await due(ledger.outbox)
        assert (word.channel, word.thread) == (ONCALL.id, Place("D0", "2.0"))


async def test_what_is_for_several_channels_becomes_one_for_each(ledger_url):
    async with ledger_in(ledger_url) as ledger:
        await ledger.outbox.announced("orders", "All is well.")
        (notice,) = await due(ledger.outbox)
        await ledger.outbox.spread(notice, ("C1", "C2"))
        assert {(one.channel, one.body["text"]) for one in await due(ledger.outbox)} == {
            ("C1", "All is well."),
            ("C2", "All is well."),
        }
        await ledger.outbox.announced("carts", "All is well.")
        (nowhere,) = await due(ledger.outbox)
        await ledger.outbox.spread(nowhere, ())
        assert (await ledger.outbox.agenda()).due == ()


async def test_who_waits_in_this_process_is_woken_once_it_is_committed(ledger_url):
    async with ledger_in(ledger_url) as ledger, ledger_in(ledger_url) as other:
        async with asyncio.timeout(60):
            waiting = asyncio.create_task(ledger.outbox.changed.wait())
            await filed(other)
            assert not ledger.outbox.changed.is_set()
            await filed(ledger)
            await waiting


BEFORE = """
    INSERT INTO requests (id, target, action, options, channel, requester_id, requester_name, reason, plan,
                          approvals_needed, created_at, expires_at, state)
    VALUES ('{id}', 'orders', 'tune', '{{}}', 'C0INCIDENT', 'U0ONCALL', 'oncall', '', '{{}}',
            1, '{at}', '{at}', '{state}')
"""


def test_the_first_revision_s_messages_are_found_in_the_outbox(empty_url):
    at = "2026-01-02 03:04:05"
    with connected(empty_url) as connection:
        config = Config()
        config.set_main_option("script_location", "bot/ledger/migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for request_id, state in (("R-WAITS", "waiting"), ("R-RUNS", "running")):
            connection.exec_driver_sql(BEFORE.format(id=request_id, state=state, at=at))
            connection.exec_driver_sql(f"INSERT INTO messages VALUES ('{request_id}', 'C0INCIDENT', '{request_id}.1')")
        connection.exec_driver_sql(
            "INSERT INTO runs (id, target, owner, epoch, leased_until, started_at) "
            f"VALUES ('R-RUNS', 'orders', 'host:1:a', 1, '{at}', '{at}')"
        )
        command.upgrade(config, "head")
    found = rows(empty_url, "SELECT key, kind, channel, place, ts, wanted, shown, posts FROM outbox ORDER BY key")
    assert found == [
        ("card:R-WAITS", "card", "C0INCIDENT", "C0INCIDENT", "R-WAITS.1", 1, 1, 1),
        ("run:R-RUNS", "run", "C0INCIDENT", "C0INCIDENT", "R-RUNS.1", 1, 1, 1),
    ]
