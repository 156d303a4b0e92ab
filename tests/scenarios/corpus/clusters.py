"""Clusters: shards that lose nodes, slots that nobody serves, nodes of another opinion."""

from tests.scenarios.faults import clusters, masters
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.stages import cluster

CLUSTERS = (
    Scenario("healthy cluster", cluster, masters.nothing, F.HEALTHY),
    Scenario("a cluster's replica killed", cluster, clusters.kill_replica, F.CLUSTER_MASTER_WITHOUT_REPLICA),
    Scenario("a slot's move was never ended", cluster, clusters.leave_a_slot_open, F.CLUSTER_OPEN_SLOTS),
)
