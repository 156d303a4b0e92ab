"""Sentinels that are gone, wrongly set up, or of another opinion."""

from tests.scenarios.faults import masters, sentinels
from tests.scenarios.scenario import F, Scenario
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
)
