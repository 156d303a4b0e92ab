"""``failover`` where AWS is in charge: a local ElastiCache that moves the primary on real servers."""

import asyncio
from dataclasses import replace

import pytest
from redis.exceptions import ReadOnlyError

from actions.kit.elasticache import setting
from actions.kit.elasticache.steps import CallTestFailover, HoldWrites, MakePrimary
from actions.kit.elasticache.switching import TurnFailoverOff
from actions.kit.loop import Outcome, StepState, carry_out
from actions.kit.plan import SettingChange
from actions.kit.settlement import CutOff, Question, settle
from actions.kit.topology import Limits
from sandbox.elasticache import Mishap
from sandbox.elasticache.load import write_load
from tests.elasticache import GROUP, planned, quick, search
from tests.failover import Journal

pytestmark = pytest.mark.servers


async def acknowledged(load, writes):
    async with asyncio.timeout(90):
        while load.acked < writes:
            await asyncio.sleep(0.02)


def with_patience(steps, within_s):
    """Moves that are given up sooner than AWS's own times."""
    return [
        replace(step, within_s=within_s) if isinstance(step, CallTestFailover | MakePrimary) else step for step in steps
    ]


async def test_aws_fails_over_and_chooses_and_nothing_acknowledged_is_lost(monkeypatch):
    async with search(monkeypatch) as scene, write_load(scene.group) as load:
        await acknowledged(load, 200)
        old = scene.primary
        plan = await planned(scene.hands)
        journal = Journal()
        ending = await carry_out(quick(plan.steps), scene.hands, journal)
        await load.stop()
        new = scene.primary
        lost = await load.lost(scene.group.node_groups[0].server(scene.group.node_groups[0].primary))

    assert ending.outcome is Outcome.DONE, ending
    assert [type(step).__name__ for step in plan.steps] == ["HoldWrites", "CallTestFailover", "ProveMove", "ProveMove"]
    assert (plan.cost.loss_bytes, plan.candidate) == (None, None)
    assert any("15 calls in 24 hours, and 0 have been made in eu-west-1" in note for note in plan.cost.notes)
    assert new != old
    assert lost == 0
    assert scene.calls("TestFailover") == 1
    assert "is primary: AWS says so, its events tell that it is complete" in journal.lines[1][3]


async def test_a_named_candidate_takes_over_and_automatic_failover_is_as_it_was(monkeypatch):
    async with search(monkeypatch) as scene, write_load(scene.group) as load:
        await acknowledged(load, 200)
        plan = await planned(scene.hands, to=f"{GROUP}-003")
        journal = Journal()
        ending = await carry_out(quick(plan.steps), scene.hands, journal)
        await load.stop()
        lost = await load.lost(scene.server(3))
        group = await scene.hands.elasticache.group()

    assert ending.outcome is Outcome.DONE, ending
    assert plan.candidate == scene.address(3)
    assert [type(step).__name__ for step in plan.steps][:4] == [
        *("TurnFailoverOff", "HoldWrites", "MakePrimary", "TurnFailoverOn"),
    ]
    assert setting.value_of(group) == setting.ON_MULTI_AZ
    assert journal.owed == []
    assert scene.primary == scene.address(3)
    assert lost == 0


async def test_where_it_is_off_another_primary_is_all_it_takes(monkeypatch):
    async with search(monkeypatch, automatic_failover=False, multi_az=False) as scene:
        hands = scene.another(limits=Limits(max_pause_ms=60_000))
        plan = await planned(hands)
        ending = await carry_out(quick(plan.steps), hands, Journal())
        await hands.aclose()
        assert scene.primary == scene.address(2)
        with pytest.raises(ReadOnlyError):  # Nobody waits there any longer.
            async with asyncio.timeout(2):
                await scene.server(1).command("SET", "tandem:late", "1")

    assert ending.outcome is Outcome.DONE, ending
    assert [type(step).__name__ for step in plan.steps][:2] == ["HoldWrites", "MakePrimary"]


@pytest.mark.parametrize("mishap", [Mishap.AVAILABLE_FIRST, Mishap.EVENTS_OUT_OF_ORDER, Mishap.LATE_EVENTS])
async def test_neither_the_status_alone_nor_the_order_of_events_deceives(monkeypatch, mishap):
    async with search(monkeypatch) as scene:
        scene.aws.faults.next_change(mishap)
        plan = await planned(scene.hands)
        ending = await carry_out(quick(plan.steps), scene.hands, Journal())
        assert scene.primary != scene.address(1)

    assert ending.outcome is Outcome.DONE, ending
    assert scene.calls("TestFailover") == 1


@pytest.mark.parametrize(
    ("mishap", "said"),
    [
        (Mishap.NEVER_COMPLETES, "is modifying"),
        (Mishap.ROLLED_BACK, f"AWS still calls {GROUP}-001 the primary"),
        (Mishap.WITHOUT_EVENTS, "no event says that a failover is complete"),
    ],
)
async def test_what_aws_has_accepted_is_not_done(monkeypatch, mishap, said):
    monkeypatch.setattr("actions.kit.elasticache.steps.UNDO_WITHIN_S", 1)
    async with search(monkeypatch) as scene:
        scene.aws.faults.next_change(mishap)
        plan = await planned(scene.hands)
        ending = await carry_out(with_patience(quick(plan.steps), 3), scene.hands, Journal())

    assert ending.outcome is Outcome.INCOMPLETE
    assert said in " ".join(ending.failures)
    assert "cannot be called off" in " ".join(ending.failures)
    assert scene.calls("TestFailover") == 1


@pytest.mark.parametrize("step", [CallTestFailover, MakePrimary])
async def test_a_lost_answer_is_no_reason_to_ask_twice(monkeypatch, step):
    options = {} if step is CallTestFailover else {"to": f"{GROUP}-002"}
    async with search(monkeypatch) as scene:
        plan = await planned(scene.hands, **options)
        action = "TestFailover" if step is CallTestFailover else "ModifyReplicationGroup"
        journal = Journal(at=step, fault=lambda: lose(scene, action))
        ending = await carry_out(quick(plan.steps), scene.hands, journal)
        promotions = [call for call in scene.aws.calls if "PrimaryClusterId" in call.parameters and call.error is None]

    assert ending.outcome is Outcome.DONE, ending
    assert scene.calls("TestFailover") == (step is CallTestFailover)
    assert len(promotions) == (step is MakePrimary)


async def lose(scene, action):
    scene.aws.faults.lose_answer(action)


async def test_throttling_is_waited_out(monkeypatch):
    async with search(monkeypatch) as scene:
        plan = await planned(scene.hands)
        scene.aws.faults.throttle("TestFailover", times=2)
        scene.aws.faults.throttle("DescribeReplicationGroups", times=2, code="RequestLimitExceeded")
        ending = await carry_out(quick(plan.steps), scene.hands, Journal())

    assert ending.outcome is Outcome.DONE, ending
    assert scene.calls("TestFailover") == 1


async def test_what_aws_does_not_let_us_do_puts_everything_back_and_names_the_right(monkeypatch):
    async with search(monkeypatch) as scene:
        scene.aws.faults.denied = {"TestFailover"}
        ending = await carry_out(quick((await planned(scene.hands)).steps), scene.hands, Journal())
        scene.aws.faults.denied = set()
        scene.aws.faults.test_failover_blocked = True
        blocked = await carry_out(quick((await planned(scene.hands)).steps), scene.hands, Journal())
        written = await scene.hands.write_probe(scene.primary, (), "after")
        assert scene.primary == scene.address(1)

    assert ending.outcome is Outcome.UNDONE, ending
    assert "the IAM policy has to allow elasticache:TestFailover" in ending.failures[0]
    assert blocked.outcome is Outcome.UNDONE, blocked
    assert "AWS does not offer TestFailover here now" in blocked.failures[0]
    assert written.ok, written


async def test_a_failed_promotion_turns_automatic_failover_back_on(monkeypatch):
    async with search(monkeypatch) as scene:
        plan = await planned(scene.hands, to=f"{GROUP}-002")
        journal = Journal(at=MakePrimary, fault=lambda: deny(scene))
        ending = await carry_out(quick(plan.steps), scene.hands, journal)
        group = await scene.hands.elasticache.group()

    assert ending.outcome is Outcome.INCOMPLETE, ending
    assert setting.value_of(group) == setting.OFF
    assert [change.name for change in journal.owed] == [setting.NAME]


async def deny(scene):
    scene.aws.faults.denied = {"ModifyReplicationGroup"}


class KilledError(Exception):
    """The process ended here."""


class Killed(Journal):
    """The process is killed after a step of this kind has begun, or has acted, and before that is written down."""

    def __init__(self, at: type, *, acted: bool) -> None:
        super().__init__()
        self.kind, self.acted, self.reached = at, acted, -1

    async def intends(self, index, step):
        await super().intends(index, step)
        self.reached = index
        if isinstance(step, self.kind) and not self.acted:
            raise KilledError

    async def ended(self, index, state, note):
        if self.titles[index] == self.kind.__name__ and self.acted:
            raise KilledError
        await super().ended(index, state, note)


@pytest.mark.parametrize("acted", [False, True])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (HoldWrites, {}),
        (CallTestFailover, {}),
        (TurnFailoverOff, {"to": f"{GROUP}-002"}),
        (MakePrimary, {"to": f"{GROUP}-002"}),
    ],
)
async def test_what_was_cut_off_is_settled_by_looking(monkeypatch, kind, options, acted):
    async with search(monkeypatch) as scene:
        plan = await planned(scene.hands, **options)
        steps, journal = quick(plan.steps), Killed(kind, acted=acted)
        with pytest.raises(KilledError):
            await carry_out(steps, scene.hands, journal)
        later = Journal(owed=journal.owed)
        ending = await settle(steps, CutOff(journal.reached), scene.hands, later)
        group = await scene.hands.elasticache.group()
        written = await scene.hands.write_probe(scene.primary, (), "after")

    moves = kind in (CallTestFailover, MakePrimary) and acted
    assert not isinstance(ending, Question), ending
    assert ending.outcome is (Outcome.DONE if moves else Outcome.UNDONE), ending
    assert scene.calls("TestFailover") == (moves and kind is CallTestFailover)
    assert setting.value_of(group) == setting.ON_MULTI_AZ
    assert later.owed == []
    assert written.ok, written


async def test_killed_while_aws_is_at_work_the_end_of_that_is_awaited(monkeypatch):
    async with search(monkeypatch) as scene:
        plan = await planned(scene.hands)
        steps = quick(plan.steps)
        scene.aws.hold()
        run = asyncio.create_task(carry_out(steps, scene.hands, journal := Journal()))
        async with asyncio.timeout(90):
            while not scene.calls("TestFailover"):
                await asyncio.sleep(0.05)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        settling = asyncio.create_task(settle(steps, CutOff(1), scene.hands, journal))
        await asyncio.sleep(1)
        assert not settling.done()
        scene.aws.release()
        ending = await settling

    assert not isinstance(ending, Question), ending
    assert ending.outcome is Outcome.DONE
    assert journal.states("CallTestFailover") == [StepState.ALREADY]
    assert scene.calls("TestFailover") == 1


async def test_a_debt_is_paid_by_other_hands(monkeypatch):
    async with search(monkeypatch) as scene:
        await scene.hands.elasticache.set_failover("disabled", "disabled")
        await scene.aws.settled()
        change = SettingChange(scene.target.elasticache.resource, setting.NAME, setting.OFF, setting.ON_MULTI_AZ)
        other = scene.another()
        assert await other.settings(change.node, (change.name,)) == {setting.NAME: setting.OFF}
        await other.change_settings(change.node, {change.name: change.old}, rewrite=False)
        await other.aclose()
        assert setting.value_of(await scene.hands.elasticache.group()) == setting.ON_MULTI_AZ


async def test_in_cluster_mode_one_shard_moves_and_a_write_into_it_proves_it(monkeypatch):
    async with search(monkeypatch, node_groups=3, replicas=1) as scene:
        before = [shard.primary.id for shard in scene.group.node_groups]
        plan = await planned(scene.hands, shard="0002")
        ending = await carry_out(quick(plan.steps), scene.hands, Journal())
        after = [shard.primary.id for shard in scene.group.node_groups]

    assert ending.outcome is Outcome.DONE, ending
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]
