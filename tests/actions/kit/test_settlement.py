"""What becomes of a run that was cut off: forward, back, or a question; its steps only write down what was done."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from actions.kit.errors import NotYet, TooLate
from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.settlement import Answer, CutOff, Question, settle
from tests.actions.kit.test_loop import ALL, CHANGE, Noted, Turn, World, stages
from tests.failover import Journal


class Passing:
    """Time passes at once; nothing else is there."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds

    async def recall(self, *_where: object) -> None:
        """Nothing is under way."""


@dataclass(frozen=True, slots=True)
class Destroying(Noted):
    """Throws something away, unless the world has gone on meanwhile."""

    async def destroys(self, hands: Hands) -> str | None:
        if "again" in self.world.failing:
            raise TooLate("the roles have moved since")
        return None if "demote" in self.world.done else "the old master has to be demoted"


def steps(world: World, turn: type[Turn] = Turn) -> list[Step]:
    return [
        Noted("steer", world),
        Noted("fence", world, setting=(CHANGE,)),
        turn("turn", world),
        Destroying("demote", world),
        Noted("put back", world, gives_back=(CHANGE,)),
    ]


NAMES = ["steer", "fence", "turn", "demote", "put back"]


async def settled(world: World, cut: CutOff, journal: Journal | None = None) -> Ending | Question:
    return await settle(steps(world), cut, Passing(), journal or Journal())  # type: ignore[arg-type]


def undone(reached: int) -> list[str]:
    return [f"undo {name}" for name in reversed(NAMES[: reached + 1])]


@pytest.mark.parametrize("reached", range(-1, 5))
@pytest.mark.parametrize("moved", [False, True])
async def test_it_goes_back_or_on_by_what_is_so(reached: int, *, moved: bool) -> None:
    """Every prefix of the plan, with the roles moved and not."""
    if moved and reached < 2:
        pytest.skip("the roles cannot have moved before they were asked to")
    world, journal = World(moved=moved), Journal(owed=[CHANGE] if reached >= 1 else [])
    ending = await settled(world, CutOff(reached), journal)
    assert isinstance(ending, Ending)
    assert journal.owed == []
    if moved:
        assert ending.outcome is Outcome.DONE
        assert world.done == ["demote", "put back"]
    else:
        assert ending.outcome is Outcome.UNDONE
        assert world.done == undone(reached)


@pytest.mark.parametrize("reached", range(5))
@pytest.mark.parametrize("moved", [False, True])
async def test_cut_off_a_second_time_it_asks_and_touches_nothing(reached: int, *, moved: bool) -> None:
    world = World(moved=moved)
    question = await settled(world, CutOff(reached, times=2))
    assert isinstance(question, Question)
    assert "a second time" in question.seen[0]
    assert world.done == []
    assert question.moved is (False if reached < 2 else True if moved else None)
    assert (Answer.ROLL_BACK in question.answers) == (question.moved is not True)


@pytest.mark.parametrize("answer", [Answer.RESUME, Answer.ROLL_BACK])
async def test_an_answer_lets_it_go_on_though_it_was_cut_off_often(answer: Answer) -> None:
    world = World()
    ending = await settled(world, CutOff(2, times=2, answer=answer))
    assert isinstance(ending, Ending)
    assert ending.outcome is Outcome.UNDONE
    assert world.done == undone(2)
    moved = World(moved=True)
    result = await settled(moved, CutOff(3, times=2, answer=answer))
    if answer is Answer.RESUME:
        assert isinstance(result, Ending)
        assert moved.done == ["demote", "put back"]
    else:
        assert isinstance(result, Question)
        assert "can no longer be rolled back" in result.seen[0]
        assert moved.done == []


@pytest.mark.parametrize("failing", ["undo turn", "undo fence"])
async def test_what_cannot_be_undone_is_tried_for_a_while_and_then_asked(failing: str) -> None:
    world, journal, hands = World(failing={failing}), Journal(owed=[CHANGE]), Passing()
    question = await settle(steps(world), CutOff(2), hands, journal)  # type: ignore[arg-type]
    assert isinstance(question, Question)
    assert "cannot be undone" in " ".join(question.seen)
    assert hands.passed >= 15
    assert world.done.count(failing) > 2
    assert journal.owed == [CHANGE]
    if failing == "undo turn":
        assert "undo fence" not in world.done, "whether the roles moved is not known"
    else:
        assert world.done.count("undo steer") == 1, "what is undone is not undone again"


async def test_a_node_that_answers_in_time_is_no_reason_to_ask() -> None:
    world = World(failing={"undo fence"})

    class Back(Passing):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            world.failing.clear()

    ending = await settle(steps(world), CutOff(1), Back(), Journal())  # type: ignore[arg-type]
    assert isinstance(ending, Ending)
    assert ending.outcome is Outcome.UNDONE


async def test_a_turn_that_comes_about_while_it_is_undone_goes_on() -> None:
    @dataclass(frozen=True, slots=True)
    class Later(Turn):
        async def undo(self, hands: Hands) -> str:
            self.world.moved = True
            raise NotYet("promoted after all")

    world = World()
    ending = await settle(steps(world, Later), CutOff(2), Passing(), Journal())  # type: ignore[arg-type]
    assert isinstance(ending, Ending)
    assert world.done == ["demote", "put back"]


async def test_a_turn_that_cannot_be_looked_at_is_left_to_its_undoing() -> None:
    @dataclass(frozen=True, slots=True)
    class Silent(Turn):
        async def holds(self, hands: Hands) -> Held:
            raise NotYet("no answer")

    world = World()
    ending = await settle(steps(world, Silent), CutOff(2), Passing(), Journal())  # type: ignore[arg-type]
    assert isinstance(ending, Ending)
    assert world.done == undone(2)
    question = await settle(steps(world, Silent), CutOff(2, times=2), Passing(), Journal())  # type: ignore[arg-type]
    assert isinstance(question, Question)
    assert "cannot be seen: no answer" in question.seen[1]


TIMEOUT = SettingChange(CHANGE.node, "failover-timeout", "1", "10000")


@pytest.mark.parametrize("stays", ["1", "10000"])
async def test_what_an_undoing_changes_is_owed_before_it_and_until_it_is_back(stays: str) -> None:
    @dataclass(frozen=True, slots=True)
    class Stopping(Turn):
        @property
        def undoing_changes(self) -> tuple[SettingChange, ...]:
            return (TIMEOUT,)

        async def undo(self, hands: Hands) -> str:
            assert TIMEOUT in journal.owed
            return await Turn.undo(self, hands)

    class Showing(Passing):
        async def settings(self, *_which: object) -> dict[str, str]:
            return {TIMEOUT.name: stays}

    world, journal = World(), Journal()
    await settle(steps(world, Stopping), CutOff(2), Showing(), journal)  # type: ignore[arg-type]
    assert journal.owed == []
    world.failing.add("undo turn")
    await settle(steps(world, Stopping), CutOff(2), Showing(), journal, within_s=0)  # type: ignore[arg-type]
    assert journal.owed == ([TIMEOUT] if stays == "1" else [])


async def test_what_was_done_and_is_not_so_any_more_is_asked() -> None:
    world = World()
    question = await settled(world, CutOff(3, passed=True))
    assert isinstance(question, Question)
    assert "is not seen to be so now: not moved" in question.seen[0]
    assert world.done == []


@pytest.mark.parametrize("silent_s", [6, 60])
async def test_what_was_done_is_looked_at_again_where_nobody_answers(silent_s: int) -> None:
    """A moment's silence is nothing that a person has to settle."""
    hands = Passing()

    @dataclass(frozen=True, slots=True)
    class Silent(Turn):
        async def holds(self, _hands: Hands) -> Held:
            if hands.passed < silent_s:
                raise NotYet("no answer")
            return Held(yes=True, observation="moved")

    world = World(moved=True)
    result = await settle(steps(world, Silent), CutOff(3, passed=True), hands, Journal())  # type: ignore[arg-type]
    if silent_s < 15:
        assert isinstance(result, Ending)
        assert world.done == ["demote", "put back"]
    else:
        assert isinstance(result, Question)
        assert "cannot be seen: no answer" in result.seen[0]
        assert world.done == []


@pytest.mark.parametrize("silent_s", [6, 60])
async def test_what_is_ahead_is_looked_at_again_where_nobody_answers(silent_s: int) -> None:
    hands = Passing()

    @dataclass(frozen=True, slots=True)
    class Silent(Destroying):
        async def destroys(self, _hands: Hands) -> str | None:
            if hands.passed < silent_s:
                raise NotYet("no answer")
            return None

    world = World(moved=True)
    ahead = [Silent("demote", world) if type(step) is Destroying else step for step in steps(world)]
    result = await settle(ahead, CutOff(3), hands, Journal())  # type: ignore[arg-type]
    if silent_s < 15:
        assert isinstance(result, Ending)
        assert world.done == ["demote", "put back"]
    else:
        assert isinstance(result, Question)
        assert "no answer." in result.seen
        assert world.done == []


async def test_after_the_approvals_time_nothing_is_destroyed_unasked() -> None:
    world = World(moved=True)
    question = await settled(world, CutOff(3, in_time=False))
    assert isinstance(question, Question)
    assert "time of its approval is over" in question.seen[1]
    assert question.destroys
    assert world.done == []
    assert isinstance(await settled(world, CutOff(3, in_time=False, answer=Answer.RESUME)), Ending)
    assert world.done == ["demote", "put back"]


async def test_after_the_approvals_time_what_destroys_nothing_goes_on() -> None:
    world = World(moved=True, done=["demote"])
    assert isinstance(await settled(world, CutOff(4, in_time=False)), Ending)
    back = World()
    assert isinstance(await settled(back, CutOff(1, in_time=False)), Ending)
    assert back.done == undone(1)


async def test_what_is_another_plan_by_now_is_asked() -> None:
    world = World(moved=True, failing={"again"})
    question = await settled(world, CutOff(3))
    assert isinstance(question, Question)
    assert "the roles have moved since" in question.seen[1]
    assert world.done == []


async def test_going_on_does_not_begin_the_turn_again() -> None:
    journal = Journal()
    await settled(World(moved=True), CutOff(2), journal)
    assert journal.states("?") == [StepState.ALREADY], "its outcome is written down, not its intent"
    assert 2 not in journal.titles


async def test_a_run_of_several_stages_goes_back_in_the_one_that_was_cut_off() -> None:
    world = World()
    ending = await settle(stages(world), CutOff(4), Passing(), Journal())  # type: ignore[arg-type]
    cut_off = "The run was cut off, and what it had begun was put back."
    assert ending == Ending(Outcome.INCOMPLETE, (cut_off, "Not done: turn b."))
    assert world.done == ["undo fence b", "undo check b"]


async def test_a_run_of_several_stages_goes_on_from_the_one_that_was_cut_off() -> None:
    world = World(done=ALL[:3])
    ending = await settle(stages(world), CutOff(2), Passing(), Journal())  # type: ignore[arg-type]
    assert ending == Ending(Outcome.DONE)
    assert world.done == ALL
