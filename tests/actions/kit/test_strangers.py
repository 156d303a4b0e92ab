"""A replica that was told to follow the master of another deployment does not make that one a second master of ours."""

from dataclasses import replace

import pytest

from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, FindingId
from actions.kit.snapshot import AttachedReplica, Link, NodeConfig, NodeView, Role, Snapshot
from actions.kit.strangers import without_strangers
from actions.kit.topology import Address, Kind
from tests.builders import OFFSET, REPLID, healthy, info_of, node_at, with_link, with_node, without_node

MASTER, REPLICA = Address("10.9.0.1", 6379), Address("10.9.0.2", 6379)
STRANGE = "b" * 40


def follower(address: Address, number: int, master: Address, *named_by: Address) -> NodeView:
    link = Link(master, up=True, sync_in_progress=False, last_io_s=0, down_since_s=None)
    info = info_of(number, Role.REPLICA, link=link, replid=STRANGE)
    return NodeView(address, info=info, config=NodeConfig(0, 10, 100), known_from=_nodes(named_by))


def master(*replicas: Address, **info: object) -> NodeView:
    attached = tuple(AttachedReplica(one, "online", OFFSET, 0) for one in replicas)
    told = info_of(9, Role.MASTER, **{"replid": STRANGE, **info}, replicas=attached)
    return NodeView(MASTER, info=told, config=NodeConfig(0, 10, 100), known_from=_nodes(replicas))


def _nodes(addresses: tuple[Address, ...]) -> tuple[str, ...]:
    return tuple(f"node {one}" for one in addresses)


def led_astray(sentinels: int = 3, *, to: Address = MASTER, others: tuple[NodeView, ...] = ()) -> Snapshot:
    """The last replica of ours follows a node of a foreign master with a replica of its own."""
    ours = healthy(sentinels=sentinels)
    named = ("sentinel 10.1.0.1:26379",) if sentinels else ("settings",)
    ours = replace(ours, nodes=tuple(replace(node, known_from=named) for node in ours.nodes))
    ours = with_link(with_node(ours, 3, replid=STRANGE), 3, master=to)
    others = others or (master(node_at(3), REPLICA), follower(REPLICA, 10, MASTER, MASTER))
    return replace(ours, nodes=(*ours.nodes, *others))


def addresses(snapshot: Snapshot) -> set[Address]:
    return {node.address for node in snapshot.nodes}


OURS = {node_at(number) for number in (1, 2, 3)}


@pytest.mark.parametrize("sentinels", [0, 3])
def test_a_foreign_master_and_its_replicas_are_left_out(sentinels):
    seen = without_strangers(led_astray(sentinels))
    verdict = diagnose(seen).verdict

    assert addresses(seen) == OURS
    assert (verdict.id, verdict.confidence) == (FindingId.REPLICATION_BROKEN, Confidence.CERTAIN)
    assert f"follows {MASTER}, a node of another deployment, not the master {node_at(1)}" in verdict.summary
    assert not diagnose(seen).has(FindingId.SPLIT_BRAIN)


def test_a_foreign_replica_that_ours_follows_is_left_out_with_its_master():
    chain = (follower(REPLICA, 10, MASTER, MASTER, node_at(3)), master(REPLICA))
    assert addresses(without_strangers(led_astray(to=REPLICA, others=chain))) == OURS


@pytest.mark.parametrize(
    "related",
    [
        led_astray(others=(master(node_at(3), replid2=REPLID),)),
        led_astray(others=(replace(master(node_at(3)), known_from=("settings", f"node {node_at(3)}")),)),
        with_node(
            led_astray(others=(master(node_at(3)),)), 1, replicas=(AttachedReplica(MASTER, "online", OFFSET, 0),)
        ),
    ],
)
def test_a_second_master_of_ours_is_one(related):
    """It shares a history, or is listed, or was a replica of the other a moment ago."""
    assert diagnose(without_strangers(related)).verdict.id is FindingId.SPLIT_BRAIN


def test_one_that_was_part_of_the_target_before_is_part_of_it():
    assert without_strangers(led_astray(), {MASTER}) == led_astray()


def test_nobody_is_left_out_where_no_other_master_is_known_or_another_kind_has_many():
    alone = led_astray(0)
    alone = replace(alone, nodes=without_node(alone, 1).nodes)
    cluster = replace(led_astray(0), kind=Kind.CLUSTER)

    assert without_strangers(alone) == alone
    assert without_strangers(cluster) == cluster
