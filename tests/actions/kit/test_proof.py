"""What a proof says where the new master is another than the one that was promoted, or none any more."""

from __future__ import annotations

import pytest

from actions.kit.cluster.shards import Shards
from actions.kit.cluster.steps import ProveShards
from actions.kit.errors import TooLate
from actions.kit.proof import prove, was_restarted
from actions.kit.snapshot import Snapshot
from actions.kit.steps import Prove
from tests.builders import healthy, node_at, sentinel_at, with_node, with_opinion, with_sentinel, without_node
from tests.clusters import address, cluster

PLANNED = "f" * 40


def test_a_master_that_was_restarted_may_have_lost_all_and_look_well() -> None:
    snapshot = healthy()
    again = with_node(snapshot, 1, run_id=PLANNED)
    assert was_restarted(again, node_at(1), PLANNED) is None
    assert "restarted since" in str(was_restarted(snapshot, node_at(1), PLANNED))
    assert was_restarted(snapshot, node_at(1), "") is None, "a plan of before, or of a server that does not tell"
    assert was_restarted(with_node(snapshot, 1, aof_enabled=True), node_at(1), PLANNED) is None


async def test_one_that_is_no_master_is_not_waited_for_where_the_sentinels_name_another() -> None:
    """Nor for half a minute: the master that they name stays fenced until the run is over."""
    snapshot = healthy()
    with pytest.raises(TooLate, match="it is a replica, and the Sentinels name"):
        Prove(node_at(2), (), "orders")._still_ours(snapshot)
    with pytest.raises(TooLate, match="it does not answer, and the Sentinels name"):
        Prove(node_at(2), (), "orders")._still_ours(without_node(snapshot, 2))
    moving = with_opinion(snapshot, 1, flags=frozenset({"master", "failover_in_progress"}))
    Prove(node_at(2), (), "orders")._still_ours(moving)

    class Looking:
        async def observe(self) -> Snapshot:
            return snapshot

    with pytest.raises(TooLate):
        await Prove(node_at(2), (), "orders", after_s=30).act(Looking())  # type: ignore[arg-type]
    Prove(node_at(1), (), "orders")._still_ours(snapshot)
    Prove(node_at(2), (), "orders")._still_ours(healthy(sentinels=0))


def test_nor_in_a_cluster() -> None:
    snapshot = cluster().snapshot()
    with pytest.raises(TooLate, match=f"{address(4)} is not the master any more: it follows {address(1)}"):
        ProveShards((address(4),), (), "carts")._still_ours(snapshot, Shards(snapshot))
    ProveShards((address(1),), (), "carts")._still_ours(snapshot, Shards(snapshot))


def test_sentinels_in_tilt_are_named_where_they_make_no_majority() -> None:
    snapshot = with_sentinel(with_sentinel(healthy(), 1, tilt=True), 2, tilt=True)
    (check,) = (one for one in prove(snapshot, node_at(1)) if not one.ok)
    assert f"{sentinel_at(1)}, {sentinel_at(2)} in TILT" in check.observation
