"""The scenarios: what is built, what is done to it, and the verdict that it must get. A few lines each."""

from tests.scenarios.corpus.access import ACCESS
from tests.scenarios.corpus.clusters import CLUSTERS
from tests.scenarios.corpus.elasticache import ELASTICACHE
from tests.scenarios.corpus.healthy import HEALTHY
from tests.scenarios.corpus.kubernetes import KUBERNETES
from tests.scenarios.corpus.masters import MASTERS
from tests.scenarios.corpus.replicas import REPLICAS
from tests.scenarios.corpus.sentinels import SENTINELS
from tests.scenarios.corpus.service import SERVICE
from tests.scenarios.corpus.splits import SPLITS
from tests.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    *HEALTHY,
    *MASTERS,
    *SPLITS,
    *REPLICAS,
    *SENTINELS,
    *ACCESS,
    *SERVICE,
    *CLUSTERS,
    *ELASTICACHE,
    *KUBERNETES,
)

ON_EVERY_BUILD = frozenset(
    {"healthy under Sentinel", "master killed", "promoted by hand under Sentinel", "two of three Sentinels killed"}
    | {"writes were paused and nobody ended it"}
)
"""Also on Redis 7.0 and 6.2, where present: what INFO and Sentinel say in their own ways."""
