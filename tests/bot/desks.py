"""What the tests of a request's life share: an action, a staff directory, a look at what there is to show."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from actions.adapters import connect
from actions.kit.action import Action, ChangeAction, Option, Options
from actions.kit.plan import Cost, Held, Plan, Refusal, Risk, SettingChange, Step, facts_of
from actions.kit.ports import Hands
from actions.kit.snapshot import Snapshot
from actions.kit.step_types import STEP_TYPES as KNOWN
from actions.kit.steps import until
from actions.kit.topology import Address, Target
from actions.registry import by_name as registered
from bot.directory import Human, LookupFailed
from bot.fleet import Fleet, People
from bot.ledger import Ledger, Person, Request, Run, RunState
from bot.ledger.tables import outbox
from bot.policy import Policy
from bot.requests import Desk
from bot.requests.terms import Terms
from tests.bot.ledger.given import Set, url

FENCE = "min-replicas-to-write"
SLOWLY = "timeout"
"""The second step of `tune` waits until this setting of the master is 7: a test lets it go on."""


@dataclass(frozen=True, slots=True)
class Await(Step):
    """Wait until somebody sets the setting."""

    node: Address

    @property
    def title(self) -> str:
        return f"Wait for {self.node}"

    @property
    def command(self) -> str:
        return f"{self.node}> CONFIG GET {SLOWLY}"

    async def holds(self, hands: Hands) -> Held:
        value = (await hands.settings(self.node, (SLOWLY,)))[SLOWLY]
        return Held(value == "7", f"{SLOWLY} is {value}")

    async def act(self, hands: Hands) -> str:
        return (await until(lambda: self.holds(hands), hands, 60)).observation


STEP_TYPES = (*KNOWN, Set, Await)


def _tune(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """The fence of a failover on its own; with `slow` a second step waits behind it."""
    master = snapshot.node(snapshot.agreed_master)
    if master is None or master.config is None:
        return Refusal(snapshot.target, "tune", ("No single node says that it is the master.",))
    change = SettingChange(master.address, FENCE, options["to"], str(master.config.min_replicas_to_write))
    steps: list[Step] = [Set(change), *([Await(master.address)] if "slow" in options else [])]
    steps += [Set(SettingChange(master.address, "maxclients", "9000", "10000"))] if "then" in options else []
    seen = facts_of(snapshot)
    return Plan(snapshot.target, "tune", Risk.DESTRUCTIVE, "It was asked for.", Cost(), tuple(steps), seen)


def _flush(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    planned = _tune(snapshot, options)
    return planned if isinstance(planned, Refusal) else replace(planned, action="flush", risk=Risk.IRREVERSIBLE)


TUNE = ChangeAction("tune", "change a setting", Risk.DESTRUCTIVE, _tune, (Option("to", "N", "the new value"),))


FLUSH = ChangeAction("flush", "the same, as if it could not be undone", Risk.IRREVERSIBLE, _flush, TUNE.options)


def by_name(name: str) -> Action:
    return {"tune": TUNE, "flush": FLUSH}.get(name) or registered(name)


ONCALL = Person("U0ONCALL", "oncall")
LEAD = Person("U0LEAD", "lead")
GUEST = Person("U0GUEST", "guest")


@dataclass
class Staff:
    """Who is who, until Slack cannot be asked."""

    reachable: bool = True
    members: tuple[str, ...] = ("U0LEAD", "U0ONCALL", "U0GUEST")

    async def user(self, user_id: str) -> Human:
        self._ask()
        return Human(user_id, user_id.removeprefix("U0").lower(), is_guest=user_id == "U0GUEST")

    async def group_members(self, _group_id: str) -> tuple[str, ...]:
        self._ask()
        return self.members

    def _ask(self) -> None:
        if not self.reachable:
            raise LookupFailed("Slack does not answer.")


@dataclass
class Office:
    desk: Desk
    ledger: Ledger
    staff: Staff

    async def asks(self, **options: str) -> Request:
        """Oncall asks for `tune`, and gets a request."""
        request = await self.desk.ask("tune", "orders", {"to": "500", **options}, ONCALL, "C0INCIDENT", "too low")
        assert isinstance(request, Request), request
        return request

    async def kinds(self) -> list[str]:
        """What there is to show, in the order in which it was wanted."""
        return [row.kind for row in await self._outbox()]

    async def shown(self, kind: str) -> dict[str, object]:
        """What the first message of this kind is rendered with; waits until there is one."""
        async with asyncio.timeout(60):
            while True:
                for row in await self._outbox():
                    if row.kind == kind:
                        return json.loads(row.body or "{}")
                await asyncio.sleep(0.02)

    async def _outbox(self) -> Sequence[Row[Any]]:
        async with self.ledger._database.reading() as tx:
            return (await tx.connection.execute(select(outbox).order_by(outbox.c.id))).all()

    async def ended(self, request_id: str) -> Request:
        """Waits until the request is over."""
        async with asyncio.timeout(60):
            while True:
                request = await self.ledger.request(request_id)
                if request.state not in {"waiting", "approved", "running"}:
                    return request
                await asyncio.sleep(0.02)

    async def stands(self, request_id: str, step: int, state: str) -> Request:
        """Waits until a step of the run stands so."""
        async with asyncio.timeout(60):
            while True:
                request = await self.ledger.request(request_id)
                if request.run is not None and request.run.steps[step].state == state:
                    return request
                await asyncio.sleep(0.02)

    async def asked(self, request_id: str) -> Run:
        """Waits until the run asks what to do."""
        async with asyncio.timeout(60):
            while True:
                request = await self.ledger.request(request_id)
                if request.run is not None and request.run.state is RunState.ASKING:
                    return request.run
                await asyncio.sleep(0.02)

    async def paid(self) -> None:
        """Waits until nothing is owed."""
        async with asyncio.timeout(60):
            while await self.ledger.owed():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def office(
    target: Target, folder: Path, *, lease_s: float = 15.0, patience_s: float = 30.0, looks_for_s: float = 15.0
) -> AsyncIterator[Office]:
    ledger = await Ledger.open(url(folder), step_types=STEP_TYPES, lease_s=lease_s)
    staff = Staff()
    people = {target.name: People(usergroup="S0OPS")}
    glass = {target.name: People(users=("U0ONCALL",))}
    fleet = Fleet({target.name: target}, {"C0INCIDENT": (target.name,)}, people, people, break_glass=glass)
    terms = Terms(looks_for_s=looks_for_s)
    desk = Desk(ledger, fleet, connect, Policy(fleet, staff), by_name=by_name, terms=terms)
    try:
        yield Office(desk, ledger, staff)
    finally:
        await desk.aclose(patience_s)
        await ledger.aclose()


async def killed(script: str, *words: str) -> None:
    """A Python process with this script and these arguments has ended by SIGKILL, as the script has it."""
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *words)
    try:
        assert await asyncio.wait_for(victim.wait(), 120) == -signal.SIGKILL
    finally:
        if victim.returncode is None:
            victim.kill()
            await victim.wait()
