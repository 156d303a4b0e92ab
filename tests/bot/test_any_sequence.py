"""No sequence of requests, clicks, deadlines, crashes, clocks and changes of staff runs a plan that too few have seen.

Hypothesis makes the sequences. What counts is decided here once more, from the clicks alone, by rules of its own: it
shares no code with the ledger and the policy. Two replicas work on one ledger; a crash takes one of them away in the
middle of whatever it does, as kill -9 would.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actions.kit.action import ChangeAction, Option, Options
from actions.kit.errors import NotYet, Refused
from actions.kit.plan import Cost, Held, Plan, Refusal, Risk, Step, facts_of
from actions.kit.ports import Hands
from actions.kit.settlement import Answer
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Kind, Limits, Target
from bot.directory import Human
from bot.fleet import Case, Fleet, People
from bot.ledger import Decided, Ledger, Person, Request, RequestState
from bot.policy import Policy
from bot.requests import Desk
from bot.requests.terms import Terms
from tests.bot.ledger.given import Clock, url
from tests.builders import healthy, node_at, with_node

T = TypeVar("T")

STAFF = tuple(Person(f"U0{name.upper()}", name) for name in ("oncall", "lead", "ops", "dba"))
GUEST = "U0DBA"
MAY_BREAK = "U0LEAD"
MINUTES = 15
LEASE_S = 15.0
TERMS = Terms(looks_for_s=0)
TARGET = Target(name="orders", kind=Kind.REPLICATION, nodes=(node_at(1), node_at(2)), limits=Limits(cooldown_s=0))

SECONDS = {"a while": 60, "a lease": LEASE_S + 1, "a deadline": MINUTES * 60}
DECISIONS = ("approve", "approve thrice", "deny", "withdraw", *Answer)
EVENTS = ("nothing", "hold up", "crash", "due", "failover", "staff", "freeze", "thaw", *SECONDS)
MOVE = st.tuples(
    st.sampled_from(["nothing"] * 6 + list(EVENTS)),
    st.sampled_from(["approve"] * 8 + list(DECISIONS)),
    st.sampled_from(STAFF),
    st.sampled_from([1, 1, 1, 2, 3]),
    st.integers(0, 1),
)
"""What happens first, then who does what, about which of the last requests, at which replica."""


class Killed(BaseException):
    """The process is no longer there: nothing that it does has any effect."""


@dataclass
class World:
    """What is outside of all processes: the servers, the staff, the time."""

    clock: Clock = field(default_factory=Clock)
    replid: int = 0
    entitled: set[str] = field(default_factory=lambda: {person.id for person in STAFF})
    struck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What was struck on other servers than the approvers had seen, or after somebody had frozen the target."""
    held_up: bool = False
    frozen_but: set[str] | None = None
    """What may still strike: what had begun before somebody froze the target."""
    under_way: list[tuple[str, Process]] = field(default_factory=list)


@dataclass
class Process:
    """What one replica sees of the world, and does to it, until it is killed."""

    world: World
    alive: bool = True
    looked_at: int = -1
    waiting: int = 0

    def now(self) -> float:
        return self.clock().timestamp()

    def clock(self) -> datetime:
        self.check()
        return self.world.clock()

    def check(self) -> None:
        if not self.alive:
            raise Killed

    async def observe(self) -> Snapshot:
        self.check()
        self.looked_at = self.world.replid
        return with_node(healthy(), 1, replid=f"{self.world.replid:040d}")

    async def strike(self, mark: str, replid: int) -> None:
        looked_at = self.looked_at
        self.waiting += 1
        self.world.under_way.append((mark, self))
        try:
            while self.world.held_up:
                await asyncio.sleep(0.001)
                self.check()
        finally:
            self.waiting -= 1
            self.world.under_way.remove((mark, self))
        self.check()
        self.world.struck.append(mark)
        if self.world.frozen_but is not None and mark not in self.world.frozen_but:
            self.world.wrong.append(mark)
        if looked_at != replid:
            self.world.wrong.append(mark)

    def may_still_strike(self, mark: str) -> bool:
        self.check()
        return any(one.alive for what, one in self.world.under_way if what == mark)

    def has_struck(self, mark: str) -> bool:
        self.check()
        return mark in self.world.struck

    async def user(self, user_id: str) -> Human:
        self.check()
        return Human(user_id, user_id, is_guest=user_id == GUEST)

    async def group_members(self, _group_id: str) -> tuple[str, ...]:
        self.check()
        return tuple(sorted(self.world.entitled))

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Strike(Step):
    """What must not happen without approval, nor twice, nor on other servers than the approvers saw."""

    mark: str
    replid: int
    point_of_no_return: ClassVar[bool] = True

    @property
    def title(self) -> str:
        return f"Strike {self.mark}"

    @property
    def command(self) -> str:
        return f"STRIKE {self.mark}"

    async def holds(self, hands: Hands) -> Held:
        return Held(hands.has_struck(self.mark), "looked")

    async def act(self, hands: Hands) -> str:
        await hands.strike(self.mark, self.replid)
        return "struck"

    async def undo(self, hands: Hands) -> str:
        if hands.may_still_strike(self.mark):
            raise NotYet("it may still strike")
        return "it did not strike"


def _plan(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    steps = (Strike(options["mark"], int(snapshot.nodes[0].info.replid)),)
    return Plan(snapshot.target, "strike", Risk.DESTRUCTIVE, "It was asked for.", Cost(), steps, facts_of(snapshot))


STRIKE = ChangeAction("strike", "Strike", Risk.DESTRUCTIVE, _plan, (Option("mark", "M", "which"),))


class Rules(Policy):
    """The real ones, but for how many people have to agree."""

    needed = 1

    @classmethod
    def approvals_needed(cls, _case: Case) -> int:
        return cls.needed


@dataclass
class Replica:
    """One process with its own connection to the ledger."""

    process: Process
    ledger: Ledger
    desk: Desk

    @classmethod
    async def start(cls, world: World, folder: Path) -> Self:
        process = Process(world)
        ledger = await Ledger.open(url(folder), step_types=(Strike,), lease_s=LEASE_S, clock=process.clock)
        people = {TARGET.name: People(usergroup="S0OPS")}
        glass = {TARGET.name: People(users=(MAY_BREAK,))}
        fleet = Fleet({TARGET.name: TARGET}, {}, people, people, break_glass=glass)
        desk = Desk(ledger, fleet, lambda _: process, Rules(fleet, process), by_name=lambda _: STRIKE, terms=TERMS)
        await desk.recover(every_s=3600)
        return cls(process, ledger, desk)

    @property
    def at_work(self) -> int:
        return len(self.desk._runner._tasks)

    async def quiet(self) -> None:
        """Until all that goes on has ended, or waits where it is held up."""
        async with asyncio.timeout(90):
            while self.process.alive and self.at_work > self.process.waiting:
                await asyncio.sleep(0.001)


@dataclass
class Asked:
    """A request as its people know it. ``yes``: who said so while entitled and in time; ``no``: it was taken back."""

    id: str
    mark: str
    requester: str
    needed: int
    deadline: datetime
    yes: set[str] = field(default_factory=set)
    no: bool = False


class AnySequence(RuleBasedStateMachine):
    """What can happen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.loop.get_loop().set_exception_handler(lambda *_: None)  # Killed tasks end without anybody who asks.
        self.folder = tempfile.TemporaryDirectory()
        self.world = World()
        self.replicas: list[Replica] = []
        self.dead: list[Replica] = []
        self.asked: list[Asked] = []

    @initialize(needed=st.sampled_from([1, 2]))
    def begin(self, needed: int) -> None:
        Rules.needed = needed
        for _ in range(2):
            self._start()

    @rule(
        requester=st.sampled_from(STAFF[:2]),
        glass=st.sampled_from([False, False, False, True]),
        which=st.integers(0, 1),
        moves=st.lists(MOVE, min_size=2, max_size=6),
    )
    def somebody_asks(
        self, requester: Person, glass: bool, which: int, moves: list[tuple[str, str, Person, int, int]]
    ) -> None:
        """One rule only: Hypothesis leaves rules out at random, and without approvals nothing is put to the test."""
        self._ask(requester, which, glass=glass)
        for event, does, who, newest, where in moves:
            self._happens(event, who, where)
            self.nothing_ran_that_must_not()
            if len(self.asked) >= newest:
                self._decide(does, self.asked[-newest], who, where)
                self.nothing_ran_that_must_not()

    @invariant()
    def nothing_ran_that_must_not(self) -> None:
        assert len(self.world.struck) == len(set(self.world.struck)), "twice"
        assert self.world.wrong == []
        for asked in self.asked:
            if asked.mark in self.world.struck:
                assert not asked.no
                assert len(asked.yes) >= asked.needed
                assert asked.needed or self._reviewed(asked)

    def teardown(self) -> None:
        """In the end nothing is forgotten: whatever was approved has been done, or is over."""
        try:
            self.world.held_up = False
            if self.replicas:
                self._settle()
                self.world.clock.passes(seconds=2 * LEASE_S)
                for which in (0, 1):
                    self._happens("due", STAFF[0], which)
                self.nothing_ran_that_must_not()
                for asked in self.asked:
                    requester = next(one for one in STAFF if one.id == asked.requester)
                    self._answer(asked, requester, 0, Answer.ABANDON)
                left = self.loop.run(self.replicas[0].ledger.runs(limit=100))
                open_ones = {request.state for request in left if request.state is not RequestState.WAITING}
                assert not open_ones & {RequestState.APPROVED, RequestState.RUNNING}
        finally:
            self.loop.run(self._close())
            self.loop.close()
            self.folder.cleanup()

    def _reviewed(self, asked: Asked) -> bool:
        """Whether a second person is asked to look at what nobody has approved."""
        return asked.id in [request.id for request in self.loop.run(self.replicas[0].desk.reviews.unsigned())]

    def _happens(self, event: str, who: Person, which: int) -> None:
        if event in SECONDS:
            self.world.clock.passes(seconds=SECONDS[event])
        elif event == "due":
            self._do(which, lambda desk: desk._recovery.once())
        elif event == "crash":
            self._crash(which)
        elif event == "failover":
            self.world.replid += 1
        elif event == "hold up":
            self.world.held_up = not self.world.held_up
            self._settle()
        elif event == "freeze":
            self._freeze(who, which)
        elif event == "thaw":
            self._thaw(who, which)
        elif event == "staff":
            self.world.entitled ^= {who.id}

    def _freeze(self, who: Person, which: int) -> None:
        """What runs already may go on; nothing else may begin."""
        with contextlib.suppress(Refused):
            self._do(which, lambda desk: desk.locks.freeze("orders", who, "a change"))
            assert who.id in self.world.entitled - {GUEST}
            left = self.loop.run(self.replicas[which].ledger.runs(limit=100))
            going_on = {request.options["mark"] for request in left if request.state is RequestState.RUNNING}
            self.world.frozen_but = going_on | set(self.world.struck)

    def _thaw(self, who: Person, which: int) -> None:
        with contextlib.suppress(Refused):
            self._do(which, lambda desk: desk.locks.thaw("orders", who))
            assert who.id in self.world.entitled - {GUEST}
            self.world.frozen_but = None

    def _ask(self, who: Person, which: int, *, glass: bool) -> None:
        mark = f"m{len(self.asked)}"
        asking = {"reason": "it burns", "break_glass": glass}
        outcome = self._do(which, lambda desk: desk.ask("strike", "orders", {"mark": mark}, who, **asking))
        if not isinstance(outcome, Request):
            return
        deadline = self.world.clock() + timedelta(minutes=MINUTES)
        self.asked.append(Asked(outcome.id, mark, who.id, 0 if glass else Rules.needed, deadline))
        if glass:
            assert who.id == MAY_BREAK
            assert who.id in self.world.entitled

    def _decide(self, does: str, asked: Asked, who: Person, which: int) -> None:
        if does == "deny":
            self._take_back(asked, self._do(which, lambda desk: desk.deny(asked.id, who, "no")))
        elif does == "withdraw":
            self._take_back(asked, self._do(which, lambda desk: desk.withdraw(asked.id, who)))
        elif does in set(Answer):
            self._answer(asked, who, which, Answer(does))
        else:
            self._approve(asked, who, which, times=3 if does == "approve thrice" else 1)

    def _approve(self, asked: Asked, who: Person, which: int, times: int) -> None:
        """One person presses so many times at once."""
        good = who.id in self.world.entitled and who.id not in (GUEST, asked.requester)
        if good and self.world.clock() < asked.deadline:
            asked.yes.add(who.id)

        async def press(desk: Desk) -> list[Decided]:
            return await asyncio.gather(*(desk.approve(asked.id, who) for _ in range(times)))

        answers = self._do(which, press)
        assert sum(answer.ok for answer in answers) <= 1
        assert all(answer.why for answer in answers)

    def _answer(self, asked: Asked, who: Person, which: int, says: Answer) -> None:
        """To a run that was cut off twice: what would strike takes a second person again."""
        struck = asked.mark in self.world.struck
        answer = self._do(which, lambda desk: desk.answer(asked.id, who, says))
        assert answer.why
        if answer.ok and who.id != asked.requester:
            assert who.id in self.world.entitled - {GUEST}
        if answer.ok and says is Answer.RESUME and not struck:
            assert who.id != asked.requester

    def _take_back(self, asked: Asked, answer: Decided) -> None:
        assert answer.why
        if answer.ok:
            assert asked.mark not in self.world.struck
            asked.no = True

    def _crash(self, which: int) -> None:
        replica = self.replicas.pop(which)
        replica.process.alive = False
        self.dead.append(replica)
        self._start()

    def _start(self) -> None:
        self.replicas.append(self.loop.run(Replica.start(self.world, Path(self.folder.name))))

    def _do(self, which: int, work: Callable[[Desk], Coroutine[Any, Any, T]]) -> T:
        async def done() -> T:
            answer = await work(self.replicas[which].desk)
            await asyncio.gather(*(replica.quiet() for replica in self.replicas))
            return answer

        return self.loop.run(done())

    def _settle(self) -> None:
        self.loop.run(self._quiet())

    async def _quiet(self) -> None:
        await asyncio.gather(*(replica.quiet() for replica in self.replicas))

    async def _close(self) -> None:
        for replica in self.replicas:
            await replica.desk.aclose()
        for replica in self.dead:
            await asyncio.gather(replica.desk.aclose(0), return_exceptions=True)
        for replica in [*self.replicas, *self.dead]:
            await replica.ledger.aclose()


TestAnySequence = pytest.mark.timeout(900)(AnySequence.TestCase)  # It is as long as its sequences are many.
TestAnySequence.settings = settings(
    max_examples=30,
    stateful_step_count=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
