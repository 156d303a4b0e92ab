"""Releases on Kubernetes: their pods, their Services, and where writes go."""

from tests.scenarios.faults import kubernetes, masters
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.stages import kubernetes as release

KUBERNETES = (
    Scenario("healthy on Kubernetes", release, masters.nothing, F.HEALTHY),
    Scenario(
        "the write Service leads to the old master",
        release,
        kubernetes.promote_another_pod,
        F.APP_ON_REPLICA,
        settings={"shape": "replication", "replicas": 1},
    ),
)
