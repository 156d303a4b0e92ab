"""The loop that acts, with steps that only write down what was done to them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from actions.kit.cluster.steps import ProveShards
from actions.kit.errors import Gone, JournalDown, NotYet, Reverted, Stopped, TandemError, TooLate
from actions.kit.loop import Ending, Outcome, StepState, carry_out
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.steps import Prove
from actions.kit.topology import Address
from tests.failover import Journal

NODE = Address("10.0.0.1", 6379)
CHANGE = SettingChange(NODE, "min-replicas-to-write", "1000000", "0")

nothing: Hands = None  # type: ignore[assignment]
"""These steps touch nothing."""


@dataclass
class Clock:
    """Time passes at once."""

    passed: float = 0.0

    def now(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class World:
    """What the steps have done, in order, and what fails."""

    done: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Noted(Step):
    name: str
    world: World
    setting: tuple[SettingChange, ...] = ()
    gives_back: tuple[SettingChange, ...] = ()

    @property
    def title(self) -> str:
        return self.name

    @property
    def command(self) -> str:
        return self.name

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        return self.setting

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        return self.gives_back

    async def act(self, hands: Hands) -> str:
        self.world.done.append(self.name)
        if self.name in self.world.failing:
            raise NotYet(f"{self.name} failed")
        return "seen"

    async def undo(self, hands: Hands) -> str:
        self.world.done.append(f"undo {self.name}")
        if f"undo {self.name}" in self.world.failing:
            raise NotYet(f"{self.name} cannot be undone")
        return "back"


@dataclass(frozen=True, slots=True)
class Turn(Noted):
    point_of_no_return: ClassVar[bool] = True

    async def holds(self, hands: Hands) -> Held:
        return Held(self.world.moved, "moved" if self.world.moved else "not moved")


@dataclass(frozen=True, slots=True)
class Looks(Turn):
    looks: bool = True

    @property
    def only_looks(self) -> bool:
        return self.looks


@pytest.mark.parametrize(("looks", "state"), [(True, StepState.DONE), (False, StepState.ALREADY)])
async def test_what_a_step_sees_that_only_looks_was_not_so_already(looks: bool, state: StepState) -> None:
    world, journal = World(moved=True), Journal()
    await carry_out([Looks("look", world, looks=looks)], nothing, journal)
    assert (world.done, [(said, note) for _, _, said, note in journal.lines]) == ([], [(state, "moved")])


@dataclass(frozen=True, slots=True)
class Seen(Turn):
    """It is seen to have come about once it cannot be undone."""

    async def undo(self, hands: Hands) -> str:
        self.world.moved = True
        return await Noted.undo(self, hands)


def steps(world: World) -> list[Step]:
    return [
        Noted("steer", world),
        Noted("fence", world, setting=(CHANGE,)),
        Turn("turn", world),
        Noted("demote", world),
        Noted("put back", world, gives_back=(CHANGE,)),
    ]


async def test_all_is_done_in_order_and_what_was_owed_is_repaid() -> None:
    world, journal = World(), Journal()
    assert (await carry_out(steps(world), nothing, journal)).outcome is Outcome.DONE
    assert world.done == ["steer", "fence", "turn", "demote", "put back"]
    assert journal.owed == []
    assert [state for _, _, state, _ in journal.lines] == [StepState.DONE] * 5


async def test_before_the_turn_a_failure_puts_all_back_in_reverse() -> None:
    world, journal = World(failing={"fence"}), Journal()
    ending = await carry_out(steps(world), nothing, journal)
    assert ending.outcome is Outcome.UNDONE
    assert ending.failures == ("fence: fence failed",)
    assert world.done == ["steer", "fence", "undo fence", "undo steer"]
    assert journal.owed == [], "the failed step may have changed it: it is undone too"


async def test_what_cannot_be_undone_stays_owed_and_the_rest_is_undone_all_the_same() -> None:
    world, journal = World(failing={"turn", "undo fence"}), Journal()
    ending = await carry_out(steps(world), nothing, journal)
    assert ending.outcome is Outcome.INCOMPLETE
    assert world.done[-3:] == ["undo turn", "undo fence", "undo steer"]
    assert journal.owed == [CHANGE]


@dataclass(frozen=True, slots=True)
class Dead(Noted):
    """Its process is gone for the first few times that it is to be undone."""

    times: int = 0

    async def undo(self, hands: Hands) -> str:
        self.world.done.append(f"undo {self.name}")
        if self.world.done.count(f"undo {self.name}") <= self.times:
            raise Gone("nothing listens")
        return "back"


@pytest.mark.parametrize(("times", "outcome"), [(3, Outcome.UNDONE), (1_000, Outcome.INCOMPLETE)])
async def test_who_is_gone_is_looked_for_for_a_while_and_the_rest_is_undone_first(times: int, outcome: Outcome) -> None:
    world, journal, hands = World(failing={"turn"}), Journal(), Clock()
    plan = steps(world)
    plan[1] = Dead("fence", world, (CHANGE,), times=times)
    ending = await carry_out(plan, hands, journal)  # type: ignore[arg-type]
    assert ending.outcome is outcome
    assert world.done[3:7] == ["undo turn", "undo fence", "undo steer", "undo fence"]
    assert world.done.count("undo steer") == 1
    assert journal.owed == ([] if outcome is Outcome.UNDONE else [CHANGE])
    assert (ending.failures[1:] == ("fence could not be undone: nothing listens",)) == (outcome is Outcome.INCOMPLETE)
    assert hands.passed <= 15


async def test_who_is_merely_silent_is_not_waited_for() -> None:
    world, hands = World(failing={"turn", "undo steer"}), Clock()
    plan = steps(world)
    plan[1] = Dead("fence", world, (CHANGE,), times=1)
    assert (await carry_out(plan, hands, Journal())).outcome is Outcome.INCOMPLETE  # type: ignore[arg-type]
    assert hands.passed == 0


async def test_a_turn_that_may_have_come_about_leaves_the_fence_up() -> None:
    world, journal = World(failing={"turn", "undo turn"}), Journal()
    ending = await carry_out(steps(world), nothing, journal)
    assert ending.outcome is Outcome.INCOMPLETE
    assert "undo fence" not in world.done
    assert journal.owed == [CHANGE]


async def test_a_turn_that_failed_but_came_about_goes_on() -> None:
    @dataclass(frozen=True, slots=True)
    class Late(Turn):
        async def act(self, hands: Hands) -> str:
            self.world.moved = True
            raise NotYet("not seen in time")

    world, journal = World(), Journal()
    plan = steps(world)
    plan[2] = Late("turn", world)
    ending = await carry_out(plan, nothing, journal)
    assert ending.outcome is Outcome.INCOMPLETE, "it has to say that something was not as it should be"
    assert world.done == ["steer", "fence", "demote", "put back"]
    assert journal.owed == []


@dataclass(frozen=True, slots=True)
class Unseen(Noted):
    """Sees that what was done at the turn has come undone."""

    async def act(self, hands: Hands) -> str:
        raise Reverted("nobody was promoted after all")


@pytest.mark.parametrize("moved", [False, True])
async def test_a_turn_that_has_come_undone_is_gone_back_from_unless_it_came_about_again(*, moved: bool) -> None:
    world, journal = World(), Journal()
    plan: list[Step] = [*steps(world)[:3], Unseen("named", world), *steps(world)[3:]]
    if moved:
        world.failing = {"undo turn"}
        plan[2] = Seen("turn", world)
    ending = await carry_out(plan, nothing, journal)
    if moved:
        assert ending.outcome is Outcome.INCOMPLETE
        assert world.done[2:] == ["turn", "undo named", "undo turn", "demote", "put back"]
    else:
        assert ending == Ending(Outcome.UNDONE, ("named: nobody was promoted after all",))
        assert world.done[2:] == ["turn", "undo named", "undo turn", "undo fence", "undo steer"]
    assert journal.owed == []


async def test_a_turn_that_comes_about_while_it_is_undone_goes_on() -> None:
    @dataclass(frozen=True, slots=True)
    class Later(Turn):
        async def undo(self, hands: Hands) -> str:
            self.world.moved = True
            raise NotYet("promoted after all")

    world, journal = World(failing={"turn"}), Journal()
    plan = steps(world)
    plan[2] = Later("turn", world)
    await carry_out(plan, nothing, journal)
    assert world.done == ["steer", "fence", "turn", "demote", "put back"]


async def test_after_the_turn_a_failure_stops_nothing() -> None:
    world, journal = World(failing={"demote"}), Journal()
    ending = await carry_out(steps(world), nothing, journal)
    assert ending.outcome is Outcome.INCOMPLETE
    assert world.done[-1] == "put back"
    assert journal.owed == []


@pytest.mark.parametrize(
    ("before", "done"), [(0, []), (1, ["steer", "undo steer"]), (2, ["steer", "fence", "undo fence", "undo steer"])]
)
async def test_a_run_that_is_stopped_goes_back_and_says_who_stopped_it(before: int, done: list[str]) -> None:
    class Cancelled(Journal):
        async def intends(self, index: int, step: Step) -> None:
            if index == before:
                raise Stopped("lead cancelled it.")
            await super().intends(index, step)

    world, journal = World(), Cancelled()
    ending = await carry_out(steps(world), nothing, journal)
    assert ending == Ending(Outcome.UNDONE, ("lead cancelled it.",))
    assert world.done == done
    assert journal.owed == []


@dataclass(frozen=True, slots=True)
class Proof(Noted):
    lost: bool = False

    async def act(self, hands: Hands) -> str:
        if self.lost and self.name in self.world.failing:
            raise TooLate("seen to be lost")
        return await Noted.act(self, hands)

    def looks_again_at(self, earlier: Step) -> bool:
        return isinstance(earlier, Proof)


@pytest.mark.parametrize(
    ("failing", "outcome"),
    [
        ({"look"}, Outcome.DONE),
        ({"look again"}, Outcome.INCOMPLETE),
        ({"look", "look again"}, Outcome.INCOMPLETE),
        ({"demote", "look"}, Outcome.INCOMPLETE),
    ],
)
async def test_what_is_proven_later_is_how_it_is_and_nothing_else_is_forgiven(
    failing: set[str], outcome: Outcome
) -> None:
    world, journal = World(failing=failing), Journal()
    plan = [*steps(world), Proof("look", world), Noted("between", world), Proof("look again", world)]
    ending = await carry_out(plan, nothing, journal)
    assert ending.outcome is outcome
    assert len(ending.failures) == len(failing), "what was found first stays visible"
    over = "look: look failed. This was over later: “look again” passed."
    assert (over in ending.failures) == ("look" in failing and "look again" not in failing)
    assert journal.states("Proof").count(StepState.FAILED) == len(failing - {"demote"})


async def test_what_a_proof_has_seen_to_be_lost_no_later_one_gives_back() -> None:
    world, journal = World(failing={"look"}), Journal()
    plan = [*steps(world), Proof("look", world, lost=True), Proof("look again", world)]
    assert await carry_out(plan, nothing, journal) == Ending(Outcome.INCOMPLETE, ("look: seen to be lost",))


@pytest.mark.parametrize(
    "proof", [Prove(NODE, (NODE,), "orders", run_id="a"), ProveShards((NODE,), (NODE,), "orders", run_ids=("a",))]
)
def test_a_proof_looks_again_at_what_an_earlier_one_looked_at(proof: Prove | ProveShards) -> None:
    again = replace(proof, after_s=30, within_s=5)
    assert again.looks_again_at(proof)
    assert not again.looks_again_at(replace(proof, expected=()))
    assert not again.looks_again_at(Noted("look", World()))


async def test_without_a_journal_nothing_is_done() -> None:
    class Full(Journal):
        async def intends(self, index: int, step: Step) -> None:
            raise OSError("disk full")

    world = World()
    with pytest.raises(OSError, match="disk full"):
        await carry_out(steps(world), nothing, Full())
    assert world.done == []


@dataclass
class Away(Journal):
    """A journal that cannot be written from a step on, before it begins or when it has ended."""

    begins: int = 99
    ends: int = 99
    gone: bool = False

    async def intends(self, index: int, step: Step) -> None:
        if self.gone or index >= self.begins:
            self.gone = True
            raise JournalDown("disk full")
        await super().intends(index, step)

    async def ended(self, index: int, state: StepState, note: str) -> None:
        if self.gone or index >= self.ends:
            self.gone = True
            raise JournalDown("disk full")
        await super().ended(index, state, note)

    async def repaid(self, change: SettingChange) -> None:
        if self.gone:
            raise JournalDown("disk full")
        await super().repaid(change)


@pytest.mark.parametrize(
    ("journal", "done"),
    [
        (Away(begins=0), ["undo steer"]),
        (Away(ends=1), ["steer", "fence", "undo turn", "undo fence", "undo steer"]),
        (Away(begins=2), ["steer", "fence", "undo turn", "undo fence", "undo steer"]),
        (Away(ends=2), ["steer", "fence", "turn", "demote", "put back"]),
        (Away(begins=3), ["steer", "fence", "turn", "demote", "put back"]),
    ],
    ids=["from the start", "behind the fence", "before the turn", "in the turn", "after the turn"],
)
async def test_a_ledger_that_goes_away_leaves_no_fence_standing(journal: Away, done: list[str]) -> None:
    """What is missing in it is settled when it is back: what was owed is still written there as owed."""
    world = World()
    with pytest.raises(JournalDown, match="disk full"):
        await carry_out(steps(world), nothing, journal)
    assert world.done == done


async def test_who_lost_the_run_to_another_process_does_nothing_more() -> None:
    class Lost(Journal):
        async def ended(self, index: int, state: StepState, note: str) -> None:
            raise TandemError("another process has it")

    world = World()
    with pytest.raises(TandemError, match="another process"):
        await carry_out(steps(world), nothing, Lost())
    assert world.done == ["steer"]


@dataclass(frozen=True, slots=True)
class Opening(Noted):
    begins_stage: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Over(Noted):
    """A point of no return that was passed if it was done."""

    point_of_no_return: ClassVar[bool] = True

    async def holds(self, hands: Hands) -> Held:
        return Held(self.name in self.world.done and self.name not in self.world.failing, self.name)


def stages(world: World) -> list[Step]:
    """Two shards, each a stage with a point of no return of its own; then what concerns both."""
    shards = [
        (Opening(f"check {name}", world), Noted(f"fence {name}", world), Over(f"turn {name}", world)) for name in "ab"
    ]
    return [*shards[0], *shards[1], Noted("prove", world)]


ALL = ["check a", "fence a", "turn a", "check b", "fence b", "turn b", "prove"]


async def test_stages_are_done_one_after_the_other() -> None:
    world = World()
    assert await carry_out(stages(world), nothing, Journal()) == Ending(Outcome.DONE)
    assert world.done == ALL


async def test_a_stage_that_fails_goes_back_alone_and_says_what_is_left_out() -> None:
    world = World(failing={"fence b"})
    ending = await carry_out(stages(world), nothing, Journal())
    assert ending == Ending(Outcome.INCOMPLETE, ("fence b: fence b failed", "Not done: turn b."))
    assert world.done == [*ALL[:5], "undo fence b", "undo check b"]


async def test_no_stage_is_begun_once_something_has_failed() -> None:
    world = World(failing={"after a"})
    plan = [*stages(world)[:3], Noted("after a", world), *stages(world)[3:]]
    ending = await carry_out(plan, nothing, Journal())
    assert ending == Ending(Outcome.INCOMPLETE, ("after a: after a failed", "Not done: turn b."))
    assert world.done == [*ALL[:3], "after a"]


async def test_the_first_stage_alone_is_undone_as_any_plan() -> None:
    world = World(failing={"fence a"})
    ending = await carry_out(stages(world), nothing, Journal())
    assert ending == Ending(Outcome.UNDONE, ("fence a: fence a failed",))
    assert world.done == ["check a", "fence a", "undo fence a", "undo check a"]


async def test_stopped_between_two_stages_it_leaves_the_first_as_it_is() -> None:
    @dataclass
    class Stopping(Journal):
        async def intends(self, index: int, step: Step) -> None:
            if index == 3:
                raise Stopped("enough")
            await super().intends(index, step)

    world = World()
    ending = await carry_out(stages(world), nothing, Stopping())
    assert ending == Ending(Outcome.INCOMPLETE, ("enough", "Not done: turn b."))
    assert world.done == ALL[:3]


async def test_a_ledger_that_is_gone_between_two_stages_begins_no_other() -> None:
    @dataclass
    class Gone(Journal):
        async def intends(self, index: int, step: Step) -> None:
            if index >= 3:
                raise JournalDown("the ledger is gone")
            await super().intends(index, step)

    world = World()
    with pytest.raises(JournalDown):
        await carry_out(stages(world), nothing, Gone())
    assert "fence b" not in world.done
    assert "undo turn a" not in world.done
