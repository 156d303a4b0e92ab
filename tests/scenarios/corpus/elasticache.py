"""Groups of ElastiCache: what AWS says of them, and what their nodes do."""

from tests.scenarios.faults import masters
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.stages import elasticache

ELASTICACHE = (Scenario("healthy on ElastiCache", elasticache, masters.nothing, F.HEALTHY, master=0),)
