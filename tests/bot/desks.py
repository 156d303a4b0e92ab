"""What the tests of a request's life share: an action, a staff directory, a view that keeps what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from actions.adapters.redis import connect
from actions.kit.action import Action, ChangeAction, Option, Options
from actions.kit.plan import Cost, Held, Plan, Refusal, Risk, SettingChange, Step, facts_of
from actions.kit.ports import Hands
from actions.kit.snapshot import Snapshot
from actions.kit.steps import until
from actions.kit.topology import Address, Target
from actions.registry import by_name as registered
from bot.directory import Human, LookupFailed
from bot.fleet import Fleet, People
from bot.ledger import Ledger, Person, Request
from bot.policy import Eligibility, Policy
from bot.requests import Desk
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


STEP_TYPES = (Set, Await)


def _tune(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """The fence of a failover on its own; with `slow` a second step waits behind it."""
    master = snapshot.node(snapshot.agreed_master)
    if master is None or master.config is None:
        return Refusal(snapshot.target, "tune", ("No single node says that it is the master.",))
    change = SettingChange(master.address, FENCE, options["to"], str(master.config.min_replicas_to_write))
    steps: list[Step] = [Set(change), *([Await(master.address)] if "slow" in options else [])]
    seen = facts_of(snapshot)
    return Plan(snapshot.target, "tune", Risk.DESTRUCTIVE, "It was asked for.", Cost(), tuple(steps), seen)


TUNE = ChangeAction("tune", "change a setting", Risk.DESTRUCTIVE, _tune, (Option("to", "N", "the new value"),))


def by_name(name: str) -> Action:
    return TUNE if name == "tune" else registered(name)


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
class Screen:
    """A view that keeps what it is shown, in order."""

    shown: list[tuple[str, object]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def requested(self, _request: Request, eligibility: Eligibility) -> None:
        await self._show("requested", eligibility)

    async def decided(self, request: Request) -> None:
        await self._show("decided", request.state)

    async def progressed(self, request: Request) -> None:
        await self._show("progressed", request.run)

    async def ended(self, request: Request) -> None:
        await self._show("ended", request.run)

    async def drifted(self, _request: Request, difference: tuple[str, ...]) -> None:
        await self._show("drifted", difference)

    async def expired(self, request: Request) -> None:
        await self._show("expired", request.id)

    async def told(self, _person: Person, text: str) -> None:
        await self._show("told", text)

    async def announced(self, channel: str, by: Person, text: str) -> None:
        await self._show("announced", (channel, f"{by.name} {text}"))

    async def until(self, what: str) -> object:
        """The first that was shown of this kind; waits for it."""
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(lambda: what in self.kinds)
        return next(value for kind, value in self.shown if kind == what)

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.shown]

    async def _show(self, kind: str, value: object) -> None:
        async with self.changed:
            self.shown.append((kind, value))
            self.changed.notify_all()


@dataclass
class Office:
    desk: Desk
    ledger: Ledger
    screen: Screen
    staff: Staff

    async def asks(self, **options: str) -> Request:
        """Oncall asks for `tune`, and gets a request."""
        request = await self.desk.ask("tune", "orders", {"to": "500", **options}, ONCALL, "C0INCIDENT", "too low")
        assert isinstance(request, Request), request
        return request

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

    async def paid(self) -> None:
        """Waits until nothing is owed."""
        async with asyncio.timeout(60):
            while await self.ledger.owed():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def office(
    target: Target, folder: Path, *, screen: Screen | None = None, lease_s: float = 15.0, patience_s: float = 30.0
) -> AsyncIterator[Office]:
    ledger = await Ledger.open(url(folder), step_types=STEP_TYPES, lease_s=lease_s)
    staff, screen = Staff(), screen or Screen()
    people = {target.name: People(usergroup="S0OPS")}
    channels = {"C0INCIDENT": (target.name,)}
    policy = Policy(Fleet({target.name: target}, channels, people, people), staff)
    desk = Desk(ledger, {target.name: target}, connect, policy, screen, by_name=by_name)
    try:
        yield Office(desk, ledger, screen, staff)
    finally:
        await desk.aclose(patience_s)
        await ledger.aclose()
