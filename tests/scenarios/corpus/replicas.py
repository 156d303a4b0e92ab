"""Replicas that are gone, behind, broken, syncing, or unfit to take over."""

from tests.scenarios.faults import masters, replicas, sentinels
from tests.scenarios.faults.tools import both
from tests.scenarios.scenario import LIKELY, F, Scenario
from tests.scenarios.stages import beside_another, replication, sentinel

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
    Scenario(
        "the middle of a chain killed",
        replication,
        replicas.kill_the_middle_of_a_chain,
        F.REPLICA_DOWN,
        also=frozenset({F.REPLICATION_BROKEN}),
        never=GONE,
        master=0,
    ),
    Scenario(
        "a replica follows a stranger",
        replication,
        replicas.follow_a_stranger,
        F.REPLICATION_BROKEN,
        LIKELY,
        never=GONE,
        master=0,
    ),
    Scenario(
        "a replica follows the master of another deployment",
        beside_another,
        replicas.follow_another_deployment,
        F.REPLICATION_BROKEN,
        never=GONE,
        master=0,
    ),
    Scenario(
        "a replica is cut off its master",
        sentinel,
        replicas.cut_one_off_its_master,
        F.REPLICATION_BROKEN,
        never=GONE,
        master=0,
        settings={"links": True},
    ),
    Scenario(
        "a fence left on a replica",
        sentinel,
        replicas.leave_the_fence_on_a_replica,
        F.WRITES_REFUSED,
        never=GONE,
        master=0,
    ),
    Scenario(
        "a script holds a replica", replication, replicas.hold_one_with_a_script, F.BUSY_SCRIPT, never=GONE, master=0
    ),
    Scenario(
        "a replica is out of memory",
        replication,
        replicas.use_up_the_memory_of_one,
        F.MEMORY_PRESSURE,
        never=GONE,
        master=0,
    ),
    Scenario(
        "a replica and a Sentinel killed",
        sentinel,
        both(replicas.kill_replica, sentinels.kill_one_sentinel),
        F.REPLICA_DOWN,
        also=frozenset({F.SENTINEL_DOWN}),
        never=GONE,
        master=0,
    ),
    Scenario(
        "two Sentinels killed, nobody may be promoted",
        sentinel,
        both(replicas.forbid_promotion, sentinels.kill_two_sentinels),
        F.SENTINEL_QUORUM_LOST,
        also=NOBODY,
        never=GONE,
        meanwhile=NOBODY,
    ),
)
