"""Groups of ElastiCache: what AWS says of them, and what their nodes do."""

from tests.scenarios.faults import elasticache as faults
from tests.scenarios.faults import masters
from tests.scenarios.scenario import UNDETERMINED, F, Scenario
from tests.scenarios.stages import elasticache

GONE = frozenset({F.MASTER_DOWN, F.SPLIT_BRAIN})

ELASTICACHE = (
    Scenario("healthy on ElastiCache", elasticache, masters.nothing, F.HEALTHY, master=0, never=GONE),
    Scenario(
        "AWS is changing the group", elasticache, faults.change_the_group, F.ELASTICACHE_CHANGING, master=0, never=GONE
    ),
    Scenario(
        "AWS is failing over",
        elasticache,
        faults.fail_over,
        F.FAILOVER_IN_PROGRESS,
        meanwhile=frozenset({F.MASTER_DOWN}),
    ),
    Scenario("AWS has failed over", elasticache, faults.failed_over, F.HEALTHY, loser=0, never=GONE),
    Scenario("AWS and the nodes disagree", elasticache, faults.swap_behind_aws, F.ELASTICACHE_DISAGREEMENT, never=GONE),
    Scenario("two masters, and AWS names one", elasticache, faults.two_masters_behind_aws, F.SPLIT_BRAIN, UNDETERMINED),
    Scenario(
        "automatic failover is off",
        elasticache,
        faults.turn_failover_off,
        F.ELASTICACHE_FAILOVER_OFF,
        master=0,
        never=GONE,
    ),
    Scenario(
        "AWS does not let us ask",
        elasticache,
        faults.deny_everything,
        F.UNDETERMINED,
        UNDETERMINED,
        also=frozenset({F.AUTH_FAILED}),
        never=GONE | frozenset({F.HEALTHY}),
    ),
    Scenario(
        "AWS does not let us see events",
        elasticache,
        faults.deny_events,
        F.HEALTHY,
        also=frozenset({F.AUTH_FAILED}),
        never=GONE,
    ),
    Scenario(
        "the primary is gone, and AWS has not noticed",
        elasticache,
        faults.lose_primary_unnoticed,
        F.MASTER_DOWN,
        never=frozenset({F.SPLIT_BRAIN, F.HEALTHY}),
    ),
    Scenario(
        "a replica is gone, and AWS has not noticed",
        elasticache,
        faults.lose_replica_unnoticed,
        F.REPLICA_DOWN,
        master=0,
        never=GONE | frozenset({F.HEALTHY}),
    ),
    Scenario(
        "all members in one zone",
        elasticache,
        masters.nothing,
        F.HEALTHY,
        also=frozenset({F.ELASTICACHE_ONE_ZONE}),
        settings={"zones": ("eu-west-1a",), "multi_az": False},
    ),
)
