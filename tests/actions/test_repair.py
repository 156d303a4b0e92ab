"""Which side a repair keeps, every reason why not, and what its plan holds; on hand-made snapshots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions import repair
from actions.kit.clients import Clients
from actions.kit.diagnosis import diagnose
from actions.kit.errors import UsageError
from actions.kit.fencing import FENCE_REPLICAS
from actions.kit.findings import FindingId
from actions.kit.holding import HELD, hold_of, is_held, is_hold, without_hold
from actions.kit.plan import Plan, Refusal, Risk, SettingChange
from actions.kit.repair.demotion import DemoteLoser
from actions.kit.repair.fence import FenceLoser, HoldData
from actions.kit.repair.rescue import RescueLoser
from actions.kit.repair.sides import sides
from actions.kit.replies import parse_config
from actions.kit.sentinel_naming import TellSentinels
from actions.kit.snapshot import Link, NodeConfig, Reason, Role, Snapshot
from actions.kit.step_types import STEP_TYPES
from actions.kit.steps import PutBack
from actions.kit.topology import Kind
from bot.grammar import parse
from bot.ledger.codec import PlanCodec
from tests import clusters
from tests.builders import (
    OFFSET,
    REPLID,
    healthy,
    node_at,
    with_node,
    with_opinion,
    with_sentinel,
    with_view,
    without_node,
)

KEEPER, LOSER = str(node_at(2)), str(node_at(1))


def split(replicas: int = 2, sentinels: int = 0) -> Snapshot:
    """Node 2 was promoted at offset 9,001 while node 1 went on; the Sentinels, if there are any, name node 2."""
    snapshot = replace(healthy(replicas, sentinels), rescues_to="folder /rescue")
    promoted = {"role": Role.MASTER, "link": None, "replid": "b" * 40, "replid2": REPLID, "second_repl_offset": 9_001}
    snapshot = with_node(snapshot, 2, **promoted)
    snapshot = with_node(snapshot, 1, replicas=snapshot.nodes[0].info.replicas[1:])
    for number in range(1, sentinels + 1):
        snapshot = with_opinion(snapshot, number, address=node_at(2), config_epoch=1)
    return snapshot


def planned(snapshot: Snapshot, **options: str) -> Plan:
    said = repair.plan(snapshot, options)
    assert isinstance(said, Plan), said
    return said


def refused(snapshot: Snapshot, **options: str) -> str:
    said = repair.plan(snapshot, options)
    assert isinstance(said, Refusal), said
    assert all(reason.endswith(".") for reason in said.reasons), said.reasons
    return said.reason


def test_with_nobody_in_charge_a_person_says_which_side_is_kept() -> None:
    text = refused(split())
    assert f"Say which side is kept: repair orders --keep {LOSER} or repair orders --keep {KEEPER}." in text
    plan = planned(split(), keep=KEEPER)
    assert plan.risk is Risk.DESTRUCTIVE
    assert plan.candidate == node_at(2)
    assert "is kept because a person chose it: the evidence does not decide." in plan.because
    assert plan.cost.loss_bytes == OFFSET - 9_001 + 1
    assert plan.cost.loss_keys is None
    assert plan.cost.copied
    assert f"{LOSER} has 1 replica, up for 1,000 s." in plan.because
    assert plan.cost.pause_ms == plan_pause(plan), "both sides are fenced for a moment"
    assert [str(no.node) for no in plan.rejected] == [LOSER]
    assert planned(split(), keep=LOSER).candidate == node_at(1)


def plan_pause(plan: Plan) -> int:
    (fence,) = (step for step in plan.steps if isinstance(step, FenceLoser))
    assert fence.both
    return fence.pause_ms


def test_a_plan_survives_the_process_and_holds_what_happens_in_this_order() -> None:
    plan = planned(split(), keep=KEEPER)
    assert PlanCodec(STEP_TYPES).loads(PlanCodec(STEP_TYPES).dumps(plan)) == plan
    titles = [step.title for step in plan.steps]
    assert titles == [
        "Write down what each side shows",
        f"See that a copy of {LOSER} has room",
        f"Fence writes on {LOSER}, and for a moment on {KEEPER}",
        f"Copy all data of {LOSER}",
        f"Compare the keys of {LOSER} and {KEEPER}",
        f"Demote {LOSER}",
        f"Put the settings of {LOSER} back",
        f"Have {node_at(3)} follow {KEEPER}",
        "Write the new roles to the configuration files",
        "Prove the result",
        "Prove the result again after 30 s",
        f"Say where the data of {LOSER} is",
    ]
    assert plan.turning == 5
    later = with_node(split(), 1, offset=OFFSET + 999)
    assert planned(later, keep=KEEPER).fingerprint == plan.fingerprint, "offsets move every second"
    assert planned(split(), keep=LOSER).fingerprint != plan.fingerprint


def test_the_sentinels_say_which_side_is_kept_and_the_data_of_the_other_is_held_back() -> None:
    plan = planned(split(sentinels=3))
    assert f"{KEEPER} is kept: 3 of 3 Sentinels name it as the master." in plan.because
    holds = [step for step in plan.steps if isinstance(step, HoldData)]
    assert [(step.hold.name, step.hold.new, step.hold.old) for step in holds] == [("masterauth", HELD, "")]
    assert plan.cost.pause_ms == 0, "writes on the keeper go on"
    (back,) = (step for step in plan.steps if isinstance(step, PutBack))
    assert holds[0].hold in back.settings
    assert plan.steps.index(holds[0]) < next(
        index for index, step in enumerate(plan.steps) if isinstance(step, FenceLoser)
    )
    assert not [step for step in plan.steps if isinstance(step, TellSentinels)]
    text = refused(split(sentinels=3), keep=LOSER)
    assert f"The Sentinels name {KEEPER}" in text
    assert f"repair orders --keep {KEEPER}" in text


def test_where_sentinels_name_a_side_that_nobody_writes_to_the_one_choice_is_called_so() -> None:
    written = with_view(split(sentinels=3), 1, clients=Clients(4, 2), normal_clients=4)
    snapshot = with_view(written, 2, clients=Clients(0, 0), normal_clients=1)
    text = refused(snapshot)
    assert f"While the Sentinels name {KEEPER}, no other can be kept: repair orders --keep {KEEPER}." in text
    assert "What only the others have is copied first." in text
    assert planned(snapshot, keep=KEEPER).candidate == node_at(2)


def test_sentinels_that_disagree_are_told_whom_a_person_chose() -> None:
    snapshot = with_opinion(split(sentinels=2), 1, address=node_at(1))
    assert "Say which side is kept" in refused(snapshot)
    plan = planned(snapshot, keep=KEEPER)
    tell = next(index for index, step in enumerate(plan.steps) if isinstance(step, TellSentinels))
    assert isinstance(plan.steps[tell + 1], DemoteLoser)


def test_every_one_of_three_masters_but_one_is_copied_before_any_is_demoted() -> None:
    third = {"role": Role.MASTER, "link": None, "replid": "c" * 40}
    plan = planned(with_node(split(), 3, **third), keep=KEEPER)
    kinds = [type(step) for step in plan.steps]
    assert kinds.count(RescueLoser) == 2
    assert max(index for index, kind in enumerate(kinds) if kind is RescueLoser) < kinds.index(DemoteLoser)
    assert plan.cost.loss_bytes is None, "nothing proves what the third one has in common"


@pytest.mark.parametrize(
    ("snapshot", "options", "words"),
    [
        (replace(healthy(sentinels=0), rescues_to="x"), {}, "There is no split brain: only 10.0.0.1:6379 says"),
        (without_node(healthy(sentinels=0), 1), {}, "No node answers as a master"),
        (replace(split(), rescues_to=""), {"keep": KEEPER}, "Nothing says where rescue copies of orders go"),
        (split(), {"keep": "10.9.9.9"}, "10.9.9.9:6379 is not a node of orders. Its masters are"),
        (split(), {"keep": str(node_at(3))}, "10.0.0.3:6379 is no master and cannot be kept."),
        (without_node(split(3), 3), {"keep": KEEPER}, None),
        (
            with_node(without_node(split(3), 3), 1, replicas=()),
            {"keep": KEEPER},
            "10.0.0.3:6379 does not answer (no answer): it may be a third master.",
        ),
        (
            with_node(without_node(split(3), 3, Reason.REFUSED), 1, replicas=()),
            {"keep": KEEPER},
            None,
        ),
        (with_node(split(), 2, loading=True), {"keep": KEEPER}, f"{KEEPER} is loading its data"),
        (with_node(split(), 1, loading=True), {"keep": KEEPER}, f"{LOSER} is loading its data"),
        (
            with_node(split(), 2, used_memory=10, max_memory=10, max_memory_policy="noeviction"),
            {"keep": KEEPER},
            f"{KEEPER} is out of memory",
        ),
        (with_node(split(), 2, last_bgsave_ok=False), {"keep": KEEPER}, f"{KEEPER} cannot write its data to disk"),
        (
            with_view(split(), 2, config=NodeConfig(FENCE_REPLICAS, 10, 100)),
            {"keep": KEEPER},
            f"{KEEPER} still refuses writes",
        ),
        (
            with_node(with_view(split(), 2, config=NodeConfig(1, 10, 100)), 2, good_replicas=0),
            {"keep": KEEPER},
            "it has 0 good replicas, and min-replicas-to-write is 1",
        ),
        (with_view(split(), 1, config=None), {"keep": KEEPER}, f"CONFIG GET is not allowed on {LOSER}"),
        (with_node(split(), 1, failover_state="waiting-for-sync"), {"keep": KEEPER}, "is in a FAILOVER of its own"),
        (
            with_view(split(), 3, config=NodeConfig(0, 10, 100, masterauth=True)),
            {"keep": KEEPER},
            None,
        ),
        (
            with_view(
                with_view(split(), 3, config=NodeConfig(0, 10, 100, masterauth=True)),
                1,
                config=NodeConfig(0, 10, 100, masterauth=False),
            ),
            {"keep": KEEPER},
            f"The master {LOSER} could not follow the new one: unlike its replicas it has no masterauth",
        ),
        (
            with_opinion(split(sentinels=3), 1, flags=frozenset({"master", "failover_in_progress"})),
            {},
            "A failover is in progress, says Sentinel 10.1.0.1:26379.",
        ),
        (with_sentinel(split(sentinels=3), 1, master=None), {}, None),
        (with_view(split(), 1, watching_sentinels=1), {"keep": KEEPER}, "Sentinels watch 10.0.0.1:6379 (1)"),
    ],
)
def test_it_says_why_not(snapshot: Snapshot, options: dict[str, str], words: str | None) -> None:
    if words is None:
        planned(snapshot, **options)
    else:
        assert words in refused(snapshot, **options)


def test_where_others_settle_it_what_to_do_is_said() -> None:
    assert "settle by their config-epochs themselves" in refused(clusters.cluster(3, 1).snapshot())
    assert "AWS is in charge of orders" in refused(replace(split(), kind=Kind.ELASTICACHE))
    with pytest.raises(UsageError, match="is not an address"):
        repair.plan(split(), {"keep": "a:b"})


def test_what_only_one_side_has_begins_where_their_histories_part() -> None:
    snapshot = split()
    for keeper, loser in ((2, 1), (1, 2)):
        found = sides(snapshot, snapshot.nodes[keeper - 1])
        assert found is not None
        assert (found.fork(node_at(loser)), found.loss_bytes) == (9_001, OFFSET - 9_000)
    strange = with_node(snapshot, 2, replid2="c" * 40)
    found = sides(strange, strange.nodes[1])
    assert found is not None
    assert (found.fork(node_at(1)), found.loss_bytes) == (None, None)


def test_a_fence_that_an_earlier_run_left_is_not_taken_for_the_old_value() -> None:
    snapshot = with_view(split(), 1, config=NodeConfig(FENCE_REPLICAS, 10, 100))
    plan = planned(snapshot, keep=KEEPER)
    assert not [change for step in plan.steps for change in step.changes]
    assert not [step for step in plan.steps if isinstance(step, PutBack)]


def test_data_that_an_earlier_run_holds_back_is_repaired_though_a_sentinel_made_its_node_a_replica() -> None:
    held = NodeConfig(0, 10, 100, masterauth=False, held=True)
    snapshot = with_node(split(sentinels=3), 1, role=Role.REPLICA, replicas=())
    assert "There is no split brain" in refused(snapshot)
    plan = planned(with_view(snapshot, 1, config=held))
    (fence,) = (step for step in plan.steps if isinstance(step, FenceLoser))
    assert fence.was_replica
    assert f"{LOSER}> REPLICAOF NO ONE" in fence.command


def test_a_replica_that_holds_its_data_back_is_told_with_the_way_out() -> None:
    held = NodeConfig(0, 10, 100, masterauth=False, held=True)
    snapshot = with_view(with_node(split(sentinels=3), 1, role=Role.REPLICA, replicas=()), 1, config=held)
    link = Link(node_at(2), up=False, sync_in_progress=False, last_io_s=None, down_since_s=3)
    found = next(one for one in diagnose(with_node(snapshot, 1, link=link)).findings if "holds its data" in one.summary)
    assert found.id is FindingId.REPLICATION_BROKEN
    assert found.suggests[0] == "repair orders"


@pytest.mark.parametrize(
    ("config", "change"),
    [
        (NodeConfig(masterauth=False), SettingChange(node_at(1), "masterauth", HELD, "")),
        (NodeConfig(masterauth=True, masteruser=""), SettingChange(node_at(1), "masteruser", f"{HELD}:", "")),
        (
            NodeConfig(masterauth=True, masteruser="repl"),
            SettingChange(node_at(1), "masteruser", f"{HELD}:repl", "repl"),
        ),
    ],
)
def test_what_holds_data_back_says_itself_what_was_there(config: NodeConfig, change: SettingChange) -> None:
    assert hold_of(node_at(1), config) == change
    assert is_hold(change)
    fields = {"masterauth": "secret" if config.masterauth else "", "masteruser": config.masteruser or ""}
    held = {**fields, change.name: change.new}
    assert is_held(held)
    assert not is_held(fields)
    assert without_hold(held) == fields
    flat = [word.encode() for pair in held.items() for word in pair]
    parsed = parse_config(flat)
    assert parsed.held
    assert hold_of(node_at(1), parsed) == change


@pytest.mark.parametrize(
    ("snapshot", "lines"),
    [
        (split(), (f"repair orders --keep {LOSER}", f"repair orders --keep {KEEPER}")),
        (split(sentinels=3), ("repair orders",)),
    ],
)
def test_what_the_diagnosis_suggests_can_be_planned(snapshot: Snapshot, lines: tuple[str, ...]) -> None:
    verdict = diagnose(snapshot).verdict
    assert verdict.suggests[: len(lines)] == lines
    for line in lines:
        command = parse(line, (repair.ACTION,), ("orders",))
        assert isinstance(repair.plan(snapshot, command.options), Plan)
