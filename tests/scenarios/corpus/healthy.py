"""Where nothing is wrong, and nothing may be said to be."""

from tests.scenarios.faults import masters, replicas, service
from tests.scenarios.faults.masters import nothing
from tests.scenarios.faults.sentinels import lower_quorum
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.stages import replication, sentinel

MISCONFIGURED = frozenset({F.SENTINEL_MISCONFIGURED})
WORSE = frozenset({F.MASTER_DOWN, F.SPLIT_BRAIN})
MOVED = frozenset(
    {F.FAILOVER_IN_PROGRESS, F.SENTINEL_DISAGREEMENT, F.REPLICATION_BROKEN, F.REPLICA_SYNCING, F.REPLICA_DOWN}
    | {F.NO_ELIGIBLE_REPLICA, F.WRITES_REFUSED}
)
"""While roles move, and until all have followed. Sentinel promotes first: until then the old master takes writes."""
BROKEN = frozenset({F.REPLICATION_BROKEN, F.REPLICA_SYNCING, F.REPLICA_LAGGING, F.SENTINEL_DISAGREEMENT, F.LOADING})
"""Until the links are up again."""

HEALTHY = (
    Scenario("healthy under Sentinel", sentinel, nothing, F.HEALTHY, master=0),
    Scenario("healthy without", replication, nothing, F.HEALTHY, master=0),
    Scenario("healthy with TLS and ACLs", sentinel, nothing, F.HEALTHY, settings={"tls": True, "acl": True}),
    Scenario("quorum below the majority", sentinel, lower_quorum, F.HEALTHY, also=MISCONFIGURED),
    Scenario(
        "four Sentinels", sentinel, nothing, F.HEALTHY, also=MISCONFIGURED, settings={"sentinels": 4, "quorum": 3}
    ),
    Scenario(
        "a planned failover has ended",
        sentinel,
        masters.start_failover,
        F.HEALTHY,
        loser=0,
        meanwhile=MOVED | frozenset({F.SPLIT_BRAIN}),
        never=frozenset({F.MASTER_DOWN}),
    ),
    Scenario(
        "a planned handover has ended",
        replication,
        masters.hand_over,
        F.HEALTHY,
        loser=0,
        meanwhile=MOVED,
        never=WORSE,
    ),
    Scenario(
        "the master was restarted at once",
        sentinel,
        masters.restart_master_at_once,
        F.HEALTHY,
        master=0,
        meanwhile=BROKEN | frozenset({F.MASTER_UNREACHABLE}),
        never=WORSE,
    ),
    Scenario(
        "a replica was restarted",
        replication,
        replicas.restart_replica,
        F.HEALTHY,
        master=0,
        meanwhile=BROKEN,
        never=WORSE,
        clients=(0,),
    ),
    Scenario("a chain of replicas", replication, replicas.chain, F.HEALTHY, master=0, never=WORSE, clients=(0,)),
    Scenario(
        "replicas get everything a second later",
        sentinel,
        replicas.delay_replication_by_a_second,
        F.HEALTHY,
        master=0,
        never=WORSE,
        clients=(0,),
        settings={"links": True},
    ),
    Scenario(
        "a cache evicts",
        replication,
        service.evict,
        F.HEALTHY,
        also=frozenset({F.EVICTING}),
        never=WORSE,
        clients=(0,),
        lasts=False,
    ),
    Scenario("a busy application", sentinel, masters.nothing, F.HEALTHY, master=0, never=WORSE, clients=(0, 0, 0)),
)
