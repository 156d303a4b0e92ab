"""Sentinels that are gone, wrongly set up, or of another opinion."""

from actions.kit.topology import Kind
from tests.scenarios.faults import masters, sentinels
from tests.scenarios.scenario import LIKELY, F, Scenario
from tests.scenarios.stages import sentinel

MISCONFIGURED = frozenset({F.SENTINEL_MISCONFIGURED})
GONE = frozenset({F.MASTER_DOWN, F.MASTER_UNREACHABLE, F.SPLIT_BRAIN})

SENTINELS = (
    Scenario(
        "two of three Sentinels killed",
        sentinel,
        sentinels.kill_two_sentinels,
        F.SENTINEL_QUORUM_LOST,
        also=frozenset({F.SENTINEL_DOWN}),
        never=GONE,
    ),
    Scenario("one Sentinel killed", sentinel, sentinels.kill_one_sentinel, F.SENTINEL_DOWN, never=GONE, master=0),
    Scenario("a Sentinel monitors a replica", sentinel, sentinels.monitor_something_else, F.SENTINEL_DISAGREEMENT),
    Scenario(
        "a Sentinel does not know the name", sentinel, sentinels.forget_the_name, F.SENTINEL_MISCONFIGURED, master=0
    ),
    Scenario("quorum above the number", sentinel, sentinels.raise_quorum, F.SENTINEL_QUORUM_LOST, also=MISCONFIGURED),
    Scenario("different quorums", sentinel, sentinels.change_one_quorum, F.SENTINEL_MISCONFIGURED, master=0),
    Scenario("two Sentinels", sentinel, masters.nothing, F.SENTINEL_MISCONFIGURED, settings={"sentinels": 2}),
    Scenario("a Sentinel hangs", sentinel, sentinels.hang_one_sentinel, F.SENTINEL_DOWN, never=GONE, master=0),
    Scenario("a Sentinel is in TILT", sentinel, sentinels.tilt_one_sentinel, F.SENTINEL_DOWN, never=GONE, master=0),
    Scenario(
        "all Sentinels killed",
        sentinel,
        sentinels.kill_all_sentinels,
        F.SENTINEL_QUORUM_LOST,
        LIKELY,
        never=GONE | frozenset({F.HEALTHY}),
    ),
    Scenario(
        "one Sentinel alone",
        sentinel,
        masters.nothing,
        F.SENTINEL_MISCONFIGURED,
        never=GONE,
        master=0,
        settings={"sentinels": 1, "quorum": 1},
    ),
    Scenario(
        "a Sentinel missed a failover",
        sentinel,
        sentinels.miss_a_failover,
        F.REPLICA_DOWN,
        loser=0,
        never=frozenset({F.SPLIT_BRAIN}),
        meanwhile=frozenset({F.FAILOVER_IN_PROGRESS, F.SENTINEL_DISAGREEMENT, F.SENTINEL_MISCONFIGURED}),
    ),
    Scenario(
        "nobody knows the master's name",
        sentinel,
        masters.nothing,
        F.SENTINEL_MISCONFIGURED,
        never=GONE,
        target={"master_name": "another"},
    ),
    Scenario(
        "Sentinels watch what is called replication",
        sentinel,
        masters.nothing,
        F.SENTINEL_MISCONFIGURED,
        never=GONE,
        master=0,
        target={"kind": Kind.REPLICATION, "sentinels": ()},
    ),
)
