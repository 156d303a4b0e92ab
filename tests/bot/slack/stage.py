"""A ledger with a sender before the local Slack, as one process has them; a terminal has no sender."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.topology import Address, Kind, Target
from bot.fleet import Fleet
from bot.ledger import Ask, Lease, Ledger, Person, Request
from bot.slack.client import new_session, plain_client
from bot.slack.messages import Messages
from bot.slack.sender import Sender
from sandbox.slack import LocalSlack, Message
from tests.bot.ledger.given import LEAD, ONCALL, STEP_TYPES, Set, a_plan, change, url
from tests.bot.slack.conftest import INCIDENT, saying

DONE = Ending(Outcome.DONE)
REST_S = 0.2
FLEET = Fleet(
    {"orders": Target("orders", Kind.REPLICATION, nodes=(Address("127.0.0.1", 1),))}, {INCIDENT: ("orders",)}, {}, {}
)


@dataclass
class Process:
    slack: LocalSlack
    ledger: Ledger
    sender: Sender | None = None

    async def asked(self, channel: str | None = INCIDENT, steps: int = 2, by: Person = ONCALL) -> Request:
        plan = a_plan("orders", *(Set(change(f"setting-{number}")) for number in range(steps)))
        crowd = {"approvers_total": 3, "active": ["U0LEAD"]}
        return await self.ledger.file(
            Ask(plan, {}, by, channel, "slow", 1, timedelta(minutes=15), shown_in=INCIDENT, crowd=crowd)
        )

    async def begins(self, request: Request, by: Person = LEAD) -> Run:
        assert (await self.ledger.decide(request.id, by, "approve")).ok
        return Run(self, request, await self.ledger.begin(request.id))

    async def running(self, steps: int = 2) -> tuple[Run, Message]:
        """A run whose first step has begun, and its message."""
        run = await self.begins(await self.asked(steps=steps))
        await run.begins(0)
        return run, await self.slack.waits_for(lambda: saying(self.slack, "tune orders: running"))


@dataclass
class Run:
    process: Process
    request: Request
    lease: Lease

    async def begins(self, index: int) -> None:
        await self.process.ledger.journal(self.lease).intends(index, self.request.plan.steps[index])

    async def does(self, index: int) -> None:
        await self.begins(index)
        await self.process.ledger.journal(self.lease).ended(index, StepState.DONE, "seen")

    async def ends(self, ending: Ending = DONE) -> None:
        await self.process.ledger.end(self.lease, ending)


@asynccontextmanager
async def process(slack: LocalSlack, folder: Path, *, sends: bool = True) -> AsyncIterator[Process]:
    ledger = await Ledger.open(url(folder), step_types=STEP_TYPES)
    async with new_session() as session:
        sender = None
        if sends:
            messages = Messages(plain_client(session, slack.api_url, slack.bot_token), "tandem")
            sender = Sender(ledger.outbox, ledger.request, messages, FLEET, rest_s=REST_S, poll_s=0.1)
            sender.start()
        try:
            yield Process(slack, ledger, sender)
        finally:
            if sender is not None:
                await sender.aclose(0)
            await ledger.aclose()
