"""Masters that are gone, hang, are out of somebody's reach, or are being replaced."""

from tests.scenarios.faults import masters, sentinels
from tests.scenarios.faults.tools import both
from tests.scenarios.scenario import CERTAIN, LIKELY, UNDETERMINED, F, Scenario
from tests.scenarios.stages import replication, sentinel

LINKS = {"links": True}
DEBUG = {"extra_config": {"enable-debug-command": "yes"}}
SPLIT = frozenset({F.SPLIT_BRAIN})
GONE = frozenset({F.MASTER_DOWN})
MOVING = frozenset({F.MASTER_DOWN, F.FAILOVER_IN_PROGRESS, F.REPLICA_DOWN, F.SENTINEL_DISAGREEMENT})
"""What a lost master is called from the moment of its loss until another has taken over."""
PROMOTE = frozenset({"promote"})

MASTERS = (
    Scenario("master killed", replication, masters.kill_master, F.MASTER_DOWN, offers=PROMOTE, never=SPLIT),
    Scenario(
        "master killed, two Sentinels dead",
        sentinel,
        masters.kill_master_and_sentinels,
        F.MASTER_DOWN,
        LIKELY,
        never=SPLIT,
    ),
    Scenario(
        "master killed under Sentinel",
        sentinel,
        masters.kill_master,
        F.FAILOVER_IN_PROGRESS,
        meanwhile=MOVING,
        never=SPLIT,
        lasts=False,
    ),
    Scenario("master hangs", replication, masters.hang_master, F.MASTER_DOWN, offers=PROMOTE, never=SPLIT),
    Scenario(
        "master hangs under Sentinel",
        sentinel,
        masters.hang_master,
        F.REPLICA_DOWN,
        meanwhile=MOVING,
        never=SPLIT,
        master=None,
    ),
    Scenario(
        "we are cut off the master",
        sentinel,
        masters.cut_us_off_the_master,
        F.MASTER_UNREACHABLE,
        never=GONE,
        master=0,
        settings=LINKS,
    ),
    Scenario(
        "we hear nothing of the master",
        sentinel,
        masters.hide_master_from_us,
        F.MASTER_UNREACHABLE,
        LIKELY,
        never=GONE,
        master=0,
        settings=LINKS,
    ),
    Scenario(
        "Sentinels are cut off the master",
        sentinel,
        masters.hide_master_from_sentinels,
        F.MASTER_UNREACHABLE,
        CERTAIN,
        meanwhile=frozenset({F.HEALTHY, F.SENTINEL_DISAGREEMENT, F.SENTINEL_QUORUM_LOST, F.FAILOVER_IN_PROGRESS}),
        lasts=False,
        settings=LINKS,
    ),
    Scenario(
        "SENTINEL FAILOVER",
        sentinel,
        masters.start_failover,
        F.FAILOVER_IN_PROGRESS,
        meanwhile=MOVING | SPLIT,
        never=GONE,
        lasts=False,
    ),
    Scenario(
        "FAILOVER that waits",
        replication,
        masters.failover_command_that_waits,
        F.FAILOVER_IN_PROGRESS,
        never=SPLIT | GONE,
    ),
    Scenario(
        "all data nodes killed",
        sentinel,
        masters.kill_everybody,
        F.MASTER_DOWN,
        LIKELY,
        also=frozenset({F.NO_ELIGIBLE_REPLICA, F.REPLICA_DOWN}),
        never=SPLIT,
    ),
    Scenario(
        "all data nodes killed, no Sentinel",
        replication,
        masters.kill_everybody,
        F.UNDETERMINED,
        UNDETERMINED,
        never=SPLIT,
    ),
    Scenario(
        "the master and all Sentinels killed",
        sentinel,
        masters.kill_all_sentinels_and_the_master,
        F.MASTER_DOWN,
        LIKELY,
        offers=PROMOTE,
        also=frozenset({F.SENTINEL_DOWN}),
        never=SPLIT,
    ),
    Scenario(
        "the master's host lost its network",
        replication,
        masters.isolate_master,
        F.MASTER_DOWN,
        offers=PROMOTE,
        never=SPLIT,
        settings=LINKS,
    ),
    Scenario("the master loads", sentinel, masters.load_slowly, F.LOADING, never=SPLIT | GONE, settings=DEBUG),
    Scenario(
        "master killed, nobody may be promoted",
        sentinel,
        masters.kill_master,
        F.MASTER_DOWN,
        also=frozenset({F.NO_ELIGIBLE_REPLICA}),
        never=SPLIT,
        meanwhile=MOVING,
        settings={"extra_config": {"replica-priority": "0"}},
    ),
    Scenario(
        "master killed, quorum above the number",
        sentinel,
        both(sentinels.raise_quorum, masters.kill_master),
        F.MASTER_DOWN,
        also=frozenset({F.SENTINEL_QUORUM_LOST}),
        never=SPLIT | frozenset({F.FAILOVER_IN_PROGRESS}),
    ),
)
