"""What the tests of the ledger share: people, a plan with steps of its own, a clock that is set by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actions.kit.plan import Cost, Plan, Risk, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.topology import Address
from bot.ledger import Ask, Ledger, LedgerError, Person, Request

ONCALL = Person("U0ONCALL", "oncall")
LEAD = Person("U0LEAD", "lead")
OPS = Person("U0OPS", "ops")
NODE = Address("127.0.0.1", 6379)


@dataclass(frozen=True, slots=True)
class Set(Step):
    """Change one setting of one node."""

    change: SettingChange

    @property
    def title(self) -> str:
        return f"Set {self.change.name}"

    @property
    def command(self) -> str:
        return f"{self.change.node}> CONFIG SET {self.change.name} {self.change.new}"

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        return (self.change,)

    async def act(self, hands: Hands) -> str:
        await hands.change_settings(self.change.node, {self.change.name: self.change.new}, rewrite=False)
        return f"{self.change.name} is {self.change.new}"

    async def undo(self, hands: Hands) -> str:
        await hands.standing(self.change.node)  # What is sent to a hung server happens when it wakes: ask first.
        await hands.change_settings(self.change.node, {self.change.name: self.change.old}, rewrite=False)
        return f"{self.change.name} is {self.change.old}"


STEP_TYPES = (Set,)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)


def change(name: str = "maxclients", node: Address = NODE) -> SettingChange:
    return SettingChange(node, name, new="500", old="10000")


def a_plan(target: str = "orders", *steps: Step, seen: tuple[str, ...] = ("master A",)) -> Plan:
    return Plan(target, "tune", Risk.DESTRUCTIVE, "It is too low.", Cost(), steps or (Set(change()),), seen)


def url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/tandem.db"


@asynccontextmanager
async def ledger_in(place: Path | str, **settings: object) -> AsyncIterator[Ledger]:
    """The ledger at a URL, or on SQLite in a folder."""
    address = place if isinstance(place, str) else url(place)
    ledger = await Ledger.open(address, **{"step_types": STEP_TYPES, **settings})  # type: ignore[arg-type]
    try:
        yield ledger
    finally:
        await ledger.aclose()


async def refusal(address: str, **settings: float) -> str:
    """Why a ledger cannot be opened."""
    with pytest.raises(LedgerError) as caught:
        await Ledger.open(address, **settings)  # type: ignore[arg-type]
    return str(caught.value)


async def filed(ledger: Ledger, plan: Plan | None = None, needed: int = 1, minutes: float = 15) -> Request:
    expires_in = timedelta(minutes=minutes)
    return await ledger.file(Ask(plan or a_plan(), {"to": "500"}, ONCALL, "C0INCIDENT", "slow", needed, expires_in))


async def approved(ledger: Ledger, plan: Plan | None = None) -> Request:
    request = await filed(ledger, plan)
    return (await ledger.decide(request.id, LEAD, "approve")).request
