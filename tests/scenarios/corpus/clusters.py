"""Clusters: shards that lose nodes, slots that nobody serves, nodes of another opinion."""

from sandbox.redis import Shape
from tests.scenarios.faults import clusters, masters
from tests.scenarios.scenario import LIKELY, F, Scenario
from tests.scenarios.stages import cluster

SPLIT = frozenset({F.SPLIT_BRAIN})
GONE = frozenset({F.MASTER_DOWN, F.CLUSTER_SLOTS_UNCOVERED})
SLOW = {"shape": Shape(node_timeout_ms=6_000)}
REPLACING = frozenset(
    {
        F.CLUSTER_SLOTS_UNCOVERED,
        F.FAILOVER_IN_PROGRESS,
        F.MASTER_DOWN,
        F.WRITES_REFUSED,
        F.CLUSTER_DISAGREEMENT,
        F.CLUSTER_MASTER_WITHOUT_REPLICA,
        F.REPLICA_DOWN,
        F.REPLICATION_BROKEN,
        F.REPLICA_SYNCING,
    }
)
"""From the loss of a master until all nodes have heard who is in its place."""

CLUSTERS = (
    Scenario("healthy cluster", cluster, masters.nothing, F.HEALTHY),
    Scenario("a cluster's replica killed", cluster, clusters.kill_replica, F.CLUSTER_MASTER_WITHOUT_REPLICA),
    Scenario("a slot's move was never ended", cluster, clusters.leave_a_slot_open, F.CLUSTER_OPEN_SLOTS),
    Scenario(
        "a cluster's master killed",
        cluster,
        clusters.kill_primary,
        F.CLUSTER_MASTER_WITHOUT_REPLICA,
        never=SPLIT,
        meanwhile=REPLACING,
        also=frozenset({F.REPLICA_DOWN}),
    ),
    Scenario(
        "a whole shard killed",
        cluster,
        clusters.kill_a_shard,
        F.CLUSTER_SLOTS_UNCOVERED,
        LIKELY,
        also=frozenset({F.MASTER_DOWN}),
        never=SPLIT,
    ),
    Scenario(
        "two of three masters of a cluster killed",
        cluster,
        clusters.kill_two_primaries,
        F.CLUSTER_MAJORITY_LOST,
        also=frozenset({F.CLUSTER_SLOTS_UNCOVERED}),
        offers=frozenset({"takeover"}),
        never=SPLIT,
        meanwhile=frozenset({F.MASTER_DOWN, F.CLUSTER_SLOTS_UNCOVERED}),
    ),
    Scenario(
        "a slot that nobody owns", cluster, clusters.give_a_slot_to_nobody, F.CLUSTER_SLOTS_UNCOVERED, never=SPLIT
    ),
    Scenario(
        "a node has forgotten its cluster", cluster, clusters.reset_a_replica, F.CLUSTER_DISAGREEMENT, never=SPLIT
    ),
    Scenario(
        "a hung master nobody may replace",
        cluster,
        clusters.hang_a_primary_nobody_may_replace,
        F.CLUSTER_SLOTS_UNCOVERED,
        offers=frozenset({"promote"}),
        never=SPLIT,
    ),
    Scenario(
        "a replica has taken over without a vote",
        cluster,
        clusters.take_over,
        F.HEALTHY,
        never=SPLIT | GONE,
        meanwhile=REPLACING,
    ),
    Scenario(
        "a replaced master comes back",
        cluster,
        clusters.bring_a_replaced_primary_back,
        F.HEALTHY,
        never=SPLIT,
        meanwhile=REPLACING,
    ),
    Scenario(
        "we are cut off a cluster's master",
        cluster,
        clusters.cut_us_off_a_primary,
        F.MASTER_UNREACHABLE,
        never=SPLIT | GONE,
        settings=SLOW | {"links": True},
    ),
    Scenario(
        "a cluster on one host",
        cluster,
        masters.nothing,
        F.HEALTHY,
        also=frozenset({F.CLUSTER_MASTER_WITHOUT_REPLICA}),
        settings={"shape": Shape(hosts=1)},
    ),
    Scenario(
        "masters without replicas",
        cluster,
        masters.nothing,
        F.CLUSTER_MASTER_WITHOUT_REPLICA,
        settings={"shape": Shape(replicas=0)},
    ),
)
