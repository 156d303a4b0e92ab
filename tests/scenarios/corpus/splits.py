"""Two masters at once: which is the true one, or that it cannot be told."""

from tests.scenarios.faults import masters
from tests.scenarios.scenario import CERTAIN, UNDETERMINED, F, Scenario
from tests.scenarios.stages import replication, sentinel

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
)
