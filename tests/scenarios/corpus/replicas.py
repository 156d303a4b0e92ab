"""Replicas that are gone, behind, broken, syncing, or unfit to take over."""

from tests.scenarios.faults import masters, replicas
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.stages import replication, sentinel

NOBODY = frozenset({F.NO_ELIGIBLE_REPLICA})
GONE = frozenset({F.MASTER_DOWN, F.MASTER_UNREACHABLE, F.SPLIT_BRAIN})
DEBUG = {"extra_config": {"enable-debug-command": "yes"}}

REPLICAS = (
    Scenario("replica killed", sentinel, replicas.kill_replica, F.REPLICA_DOWN, never=GONE, master=0),
    Scenario("replica killed, no Sentinel", replication, replicas.kill_replica, F.REPLICA_DOWN, never=GONE, master=0),
    Scenario("replica hangs", sentinel, replicas.hang_replica, F.REPLICA_DOWN, never=GONE, master=0),
    Scenario("all replicas killed", sentinel, replicas.kill_all_replicas, F.REPLICA_DOWN, also=NOBODY, never=GONE),
    Scenario(
        "masterauth forgotten",
        replication,
        replicas.forget_masterauth,
        F.REPLICATION_BROKEN,
        never=GONE,
        settings={"password": "right"},
    ),
    Scenario(
        "replicas two megabytes behind",
        sentinel,
        replicas.hold_replication,
        F.REPLICA_LAGGING,
        also=NOBODY,
        never=GONE,
        settings={"links": True},
    ),
    Scenario("full sync", replication, replicas.slow_full_sync, F.REPLICA_SYNCING, never=GONE),
    Scenario("no replica may be promoted", sentinel, replicas.forbid_promotion, F.NO_ELIGIBLE_REPLICA, never=GONE),
    Scenario("no replica at all", replication, masters.nothing, F.NO_ELIGIBLE_REPLICA, settings={"replicas": 0}),
    Scenario("a replica loads", replication, replicas.load_slowly, F.LOADING, never=GONE, settings=DEBUG),
)
