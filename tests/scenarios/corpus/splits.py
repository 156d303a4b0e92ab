"""Two masters at once: which is the true one, or that it cannot be told."""

from tests.scenarios.faults import masters, sentinels, splits
from tests.scenarios.faults.tools import both
from tests.scenarios.scenario import CERTAIN, LIKELY, UNDETERMINED, F, Scenario
from tests.scenarios.stages import kubernetes as release
from tests.scenarios.stages import replication, sentinel

MOVING = frozenset({F.FAILOVER_IN_PROGRESS, F.REPLICA_DOWN, F.SENTINEL_DISAGREEMENT})
"""While the Sentinels still are at it."""

SPLITS = (
    Scenario("promoted by hand under Sentinel", sentinel, masters.promote_by_hand, F.SPLIT_BRAIN, CERTAIN, master=0),
    Scenario("promoted by hand", replication, masters.promote_by_hand, F.SPLIT_BRAIN, UNDETERMINED),
    Scenario(
        "old master returns",
        sentinel,
        masters.return_of_the_old_master,
        F.SPLIT_BRAIN,
        CERTAIN,
        meanwhile=frozenset({F.FAILOVER_IN_PROGRESS}),
        master=None,
    ),
    Scenario(
        "an application on each side, promoted by hand under Sentinel",
        sentinel,
        masters.promote_by_hand,
        F.SPLIT_BRAIN,
        master=0,
        clients=(0, 1),
    ),
    Scenario(
        "an application on each side, nobody in charge",
        replication,
        masters.promote_by_hand,
        F.SPLIT_BRAIN,
        UNDETERMINED,
        clients=(0, 1),
    ),
    Scenario(
        "the cut-off master keeps all writers",
        sentinel,
        splits.cut_the_old_master_off,
        F.SPLIT_BRAIN,
        UNDETERMINED,
        clients=(0,),
        meanwhile=MOVING,
        settings={"links": True},
    ),
    Scenario(
        "the cut-off master keeps some writers",
        sentinel,
        splits.cut_the_old_master_off,
        F.SPLIT_BRAIN,
        clients=(0, 1, 2),
        loser=0,
        meanwhile=MOVING,
        settings={"links": True},
    ),
    Scenario(
        "garbage on the wrong side, which is the larger",
        sentinel,
        splits.write_garbage_to_the_wrong_side,
        F.SPLIT_BRAIN,
        master=0,
        clients=(0,),
    ),
    Scenario(
        "what was deleted is back on the old master, the larger",
        sentinel,
        splits.return_with_what_was_deleted,
        F.SPLIT_BRAIN,
        loser=0,
        meanwhile=MOVING,
    ),
    Scenario(
        "the old master restarted from an old file",
        replication,
        splits.restart_from_an_old_file,
        F.SPLIT_BRAIN,
        UNDETERMINED,
    ),
    Scenario("three masters", replication, splits.promote_both_replicas, F.SPLIT_BRAIN, UNDETERMINED),
    Scenario(
        "a replica went along with the second master", sentinel, splits.take_a_replica_along, F.SPLIT_BRAIN, master=0
    ),
    Scenario(
        "the second master is out of our sight",
        replication,
        splits.hide_the_second_master,
        F.SPLIT_BRAIN,
        UNDETERMINED,
        settings={"links": True},
    ),
    Scenario(
        "split, and no majority of Sentinels",
        sentinel,
        splits.lose_most_sentinels_too,
        F.SPLIT_BRAIN,
        UNDETERMINED,
        also=frozenset({F.SENTINEL_DOWN}),
    ),
    Scenario(
        "split, and one Sentinel killed",
        sentinel,
        both(sentinels.kill_one_sentinel, masters.promote_by_hand),
        F.SPLIT_BRAIN,
        LIKELY,
        master=0,
        also=frozenset({F.SENTINEL_DOWN}),
    ),
    Scenario(
        "a Sentinel missed that another was promoted",
        sentinel,
        splits.wake_a_sentinel_that_missed_it,
        F.SPLIT_BRAIN,
        loser=0,
        meanwhile=MOVING | frozenset({F.SENTINEL_DOWN, F.HEALTHY}),
    ),
    Scenario(
        "an old master with an AOF returns",
        sentinel,
        masters.return_of_the_old_master,
        F.SPLIT_BRAIN,
        loser=0,
        meanwhile=MOVING,
        settings={"appendonly": True},
    ),
    Scenario(
        "histories that share nothing", replication, splits.follow_each_other_never_again, F.SPLIT_BRAIN, UNDETERMINED
    ),
    Scenario(
        "a promoted pod beside the Service's own",
        release,
        splits.promote_a_pod,
        F.SPLIT_BRAIN,
        UNDETERMINED,
        settings={"shape": "replication", "replicas": 1},
    ),
)
