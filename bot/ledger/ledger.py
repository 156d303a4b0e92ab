"""The ledger: every operation is one transaction, which holds together with what it tells the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from actions.kit.errors import Refused
from actions.kit.loop import Ending, Outcome
from actions.kit.plan import Step, in_short
from actions.kit.step_types import STEP_TYPES
from bot.ledger import audit, debts, freezes, leases, messages, reading, requests, runs, schema
from bot.ledger.chain import AuditCheck, AuditRow
from bot.ledger.codec import PlanCodec
from bot.ledger.database import Clock, Database, Transaction
from bot.ledger.errors import Busy, LedgerError
from bot.ledger.figures import Figures, figures
from bot.ledger.freezes import Freezes
from bot.ledger.hearing import Hearing
from bot.ledger.incidents import Incidents
from bot.ledger.journal import LedgerJournal
from bot.ledger.outbox import Outbox
from bot.ledger.owner import is_gone, myself
from bot.ledger.people import People
from bot.ledger.policies import Policies
from bot.ledger.questions import Questions
from bot.ledger.records import Claim, Debt, Decided, Lease, Person, Request, RequestState, Verdict
from bot.ledger.replicas import Replicas
from bot.ledger.requests import Ask, normal_id
from bot.ledger.reviews import Reviews
from bot.ledger.stops import Stops
from bot.ledger.tokens import Tokens
from bot.ledger.watcher import NOBODY, Watcher


class Ledger:
    """Requests, decisions, runs, debts and the audit in one database. Made by ``open``."""

    def __init__(self, database: Database, codec: PlanCodec, lease_s: float) -> None:
        self._database = database
        self._codec = codec
        self._lasts = timedelta(seconds=lease_s)
        self._owner = myself()
        self.freezes = Freezes(database)
        self.policies = Policies(database)
        self.reviews = Reviews(database, codec)
        self.tokens = Tokens(database)
        self.people = People(database)
        self.outbox = Outbox(database, self._owner)
        self.hearing = Hearing(database)
        self.incidents = Incidents(database)
        self.questions = Questions(database, codec, self._owner, self._lasts)
        self.stops = Stops(database, codec, self._lasts)
        self.replicas = Replicas(database, self._owner, self._lasts)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        step_types: Iterable[type[Step]] = STEP_TYPES,
        lease_s: float = 15.0,
        busy_s: float = 5.0,
        clock: Clock | None = None,
        upgrades: bool = True,
        watcher: Watcher = NOBODY,
    ) -> Ledger:
        """Open the ledger, and bring its tables up to date.

        Args:
            url: for example ``sqlite+aiosqlite:///tandem.db``.
            step_types: every class of step that a stored plan may hold.
            lease_s: how long a run is left alone after its process was last heard of, in seconds; longer than any
                stall of the event loop.
            busy_s: how long to wait for a database that another process has locked, in seconds.
            clock: what time it is; for tests.
            upgrades: whether its tables may be made, or brought up to date: not by a terminal, since the bot that runs
                may be older.
            watcher: is told what this process does on it.

        Raises:
            LedgerError: it cannot be used; the sentence says why and what to do.
        """
        database = Database(url, busy_s=busy_s, clock=clock, watcher=watcher)
        try:
            await (schema.ensure if upgrades else schema.require)(database)
        except IntegrityError as error:
            raise LedgerError(f"The ledger {database.name} could not be brought up to date: {error.orig}.") from error
        except BaseException:
            await database.aclose()
            raise
        return cls(database, PlanCodec(step_types), lease_s)

    @property
    def owner(self) -> str:
        """This process, as ``Run.owner`` names it."""
        return self._owner

    async def aclose(self) -> None:
        """Close every connection."""
        await self._database.aclose()

    async def file(self, ask: Ask) -> Request:
        """Store a request; it waits for approval, or is approved at once where it needs none."""
        async with self._database.writing() as tx:
            request_id = await requests.file(tx, self._codec, ask)
            request = await reading.load(tx, self._codec, request_id)
        self._database.watcher.filed(request)
        return request

    async def request(self, request_id: str) -> Request:
        """One request; the id as a person types it.

        Raises:
            UnknownRequest: there is none.
        """
        async with self._database.reading() as tx:
            return await reading.load(tx, self._codec, normal_id(request_id))

    async def runs(
        self, limit: int = 20, target: str | None = None, states: Sequence[RequestState] = ()
    ) -> tuple[Request, ...]:
        """The newest requests with their runs, the newest first; of one target, or in certain states."""
        async with self._database.reading() as tx:
            return await reading.newest(tx, self._codec, limit, target, states)

    async def decide(self, request_id: str, person: Person, verdict: Verdict | str, reason: str = "") -> Decided:
        """Count one person's decision, if it may count; the answer says why not.

        Raises:
            UnknownRequest: there is no such request.
        """
        async with self._database.writing() as tx:
            given = await requests.decide(tx, self._codec, normal_id(request_id), person, Verdict(verdict), reason)
        return self._told(given)

    async def withdraw(self, request_id: str, person: Person) -> Decided:
        """Take a request back; only its requester can, and only while it waits."""
        async with self._database.writing() as tx:
            given = await requests.withdraw(tx, self._codec, normal_id(request_id), person)
        return self._told(given)

    async def expire_due(self) -> tuple[Request, ...]:
        """End every request whose deadline has passed before its run began."""
        async with self._database.reading() as tx:  # Mostly nothing is due, and then nobody is kept from writing.
            if not await requests.due(tx):
                return ()
        async with self._database.writing() as tx:
            ids = await requests.expire_due(tx)
            late = await reading.load_all(tx, self._codec, ids)
        for request in late:
            self._database.watcher.became(request)
        return late

    async def begin(self, request_id: str) -> Lease:
        """Begin the run of an approved request: take its target and a lease on it.

        Raises:
            Busy: another change holds the target, or it is frozen; the request is refused.
            Refused: it is not approved, or no longer.
        """
        try:
            async with self._database.writing() as tx:
                request = await reading.load(tx, self._codec, request_id)
                why = await freezes.why_not(tx, request.target)
                begins = await (requests.refuse(tx, request_id, why) if why else requests.take(tx, request_id))
                if not begins:
                    raise Refused(f"{request_id} cannot begin: it is {request.state}, or its deadline has passed.")
                if why is None:
                    return await runs.insert_run(tx, request, self._owner, self._lasts)
        except IntegrityError as error:
            raise Busy(await self._refuse_busy(request_id)) from error
        self._database.watcher.became(replace(request, state=RequestState.REFUSED))
        raise Busy(why)

    @asynccontextmanager
    async def kept(self, lease: Lease) -> AsyncIterator[None]:
        """Keep the lease from lapsing, by renewing it at a third of its length, while the body runs."""
        async with leases.kept(self._database, lease, self._lasts):
            yield

    def journal(self, lease: Lease) -> LedgerJournal:
        """Where the run writes down what it does."""
        return LedgerJournal(self._database, lease, self._lasts)

    async def end(self, lease: Lease, ending: Ending) -> Request:
        """End a run, and free its target.

        Raises:
            LeaseLost: another process has it.
        """
        return await self._end(lease, ending, RequestState.ENDED)

    async def void(self, lease: Lease, difference: tuple[str, ...]) -> Request:
        """End a run that has done nothing, since what was approved is no longer so; a line for each difference.

        Raises:
            LeaseLost: another process has it.
        """
        ending = Ending(Outcome.UNDONE, difference)
        return await self._end(lease, ending, RequestState.VOID, in_short(difference), difference)

    async def unsettled(self) -> tuple[Request, ...]:
        """The requests whose run has not ended though its lease is over or its process gone, the oldest first."""
        async with self._database.reading() as tx:
            ids = await runs.overdue(tx, await self._lost(tx))
            return await reading.load_all(tx, self._codec, ids)

    async def claim(self, run_id: str) -> Claim | None:
        """Take over a run whose lease is over or whose process is gone; ``None`` where somebody else was quicker."""
        async with self._database.writing() as tx:
            return await runs.claim(tx, run_id, self._owner, self._lasts, await self._lost(tx))

    async def owed(self, target: str | None = None) -> tuple[Debt, ...]:
        """The settings that are not yet back as they were, of one target or of all."""
        async with self._database.reading() as tx:
            return await debts.unpaid(tx, target)

    async def holder(self, target: str) -> str | None:
        """The id of the run that has not ended on this target."""
        async with self._database.reading() as tx:
            held = await runs.holder(tx, target)
            return held.run_id if held else None

    async def held(self) -> frozenset[str]:
        """The targets on which a run has not ended."""
        async with self._database.reading() as tx:
            return await runs.held(tx)

    async def busy(self, target: str) -> str | None:
        """Who holds the target and since when, in a sentence; ``None`` where nobody does."""
        async with self._database.reading() as tx:
            held = await runs.holder(tx, target)
            return _busy(target, held) if held else None

    async def pay(self, debt: Debt, note: str) -> None:
        """The setting is back, or no longer ours to put back; ``note`` says what was seen."""
        async with self._database.writing() as tx:
            await debts.pay(tx, debt, note)

    async def cooldown(self, target: str, action: str, cooldown_s: float) -> datetime | None:
        """Until when this action has to rest on this target; ``None`` where it need not."""
        async with self._database.reading() as tx:
            last = await runs.last_moved(tx, target, action)
            until = None if last is None else last + timedelta(seconds=cooldown_s)
            return until if until is not None and until > tx.now else None

    async def figures(self) -> Figures:
        """What waits now, in numbers."""
        async with self._database.reading() as tx:
            return await figures(tx)

    async def audit(self, kind: str, who: Person, what: str, /, **details: object) -> None:
        """Add a row to the audit for something that changes nothing else in the ledger."""
        async with self._database.writing() as tx:
            await audit.append(tx, kind, who, what, **details)

    async def audit_trail(self, after: int = 0, limit: int = 1000) -> tuple[AuditRow, ...]:
        """The rows of the audit that follow number ``after``, the oldest first."""
        async with self._database.reading() as tx:
            return await audit.trail(tx, after, limit)

    async def timeline(self, request_id: str) -> tuple[tuple[AuditRow, ...], AuditCheck]:
        """What the audit holds of a request and of its target meanwhile, and whether all of it is in order.

        Raises:
            UnknownRequest: it holds nothing of it.
        """
        async with self._database.reading() as tx:
            return await audit.about(tx, normal_id(request_id)), await audit.verify(tx)

    async def verify_audit(self) -> AuditCheck:
        """Go through the whole audit and name the first row that is not as it was written."""
        async with self._database.reading() as tx:
            return await audit.verify(tx)

    async def _lost(self, tx: Transaction) -> list[str]:
        return [owner for owner in await runs.owners(tx) if is_gone(owner, self._owner)]

    async def _end(
        self, lease: Lease, ending: Ending, state: RequestState, why: str = "", difference: tuple[str, ...] = ()
    ) -> Request:
        async with self._database.writing() as tx:
            await runs.renew(tx, lease, self._lasts)
            await runs.end_run(tx, lease, ending, state, why)
            request = await reading.load(tx, self._codec, lease.run_id)
            if difference:
                await messages.drifted(tx, request, difference)
        self._database.watcher.became(request)
        return request

    async def _refuse_busy(self, request_id: str) -> str:
        async with self._database.writing() as tx:
            request = await reading.load(tx, self._codec, request_id)
            held = await runs.holder(tx, request.target)
            why = _busy(request.target, held)
            refused = await requests.refuse(tx, request_id, why)
        if refused:
            self._database.watcher.became(replace(request, state=RequestState.REFUSED))
        return why

    def _told(self, decided: Decided) -> Decided:
        if decided.ok:
            self._database.watcher.became(decided.request)
        return decided


def _busy(target: str, held: runs.Holder | None) -> str:
    if held is None:
        return f"{target} is busy: it was held. Ask again."
    by = f"{held.run_id}, asked for by {held.requester}, has held it since {held.since:%H:%M:%S} UTC"
    if held.asks:
        return f"{target} is busy: {by}, and asks what to do: see show {held.run_id}."
    return f"{target} is busy: {by}. Ask again once that has ended."
