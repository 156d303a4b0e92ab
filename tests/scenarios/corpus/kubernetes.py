"""Releases on Kubernetes: their pods, their Services, and where writes go."""

from tests.scenarios.faults import kubernetes, masters
from tests.scenarios.scenario import UNDETERMINED, F, Scenario
from tests.scenarios.stages import kubernetes as release

PLAIN = {"shape": "replication", "replicas": 1}

KUBERNETES = (
    Scenario("healthy on Kubernetes", release, masters.nothing, F.HEALTHY),
    Scenario(
        "the write Service leads to the old master",
        release,
        kubernetes.promote_another_pod,
        F.APP_ON_REPLICA,
        offers=frozenset({"failover"}),
        settings=PLAIN,
    ),
    Scenario(
        "a pod crashes again and again",
        release,
        kubernetes.crash,
        F.REPLICA_DOWN,
        also=frozenset({F.PODS_NOT_READY}),
        settings=PLAIN,
    ),
    Scenario("a pod was killed for its memory", release, kubernetes.kill_for_memory, F.PODS_NOT_READY, settings=PLAIN),
    Scenario("a pod is not ready, and works", release, kubernetes.spoil_readiness, F.PODS_NOT_READY, settings=PLAIN),
    Scenario(
        "Kubernetes is silent",
        release,
        kubernetes.silence_the_api,
        F.UNDETERMINED,
        UNDETERMINED,
        also=frozenset({F.KUBERNETES_SILENT}),
        never=frozenset({F.HEALTHY}),
        settings=PLAIN,
    ),
    Scenario(
        "two pods with a Sentinel each", release, masters.nothing, F.SENTINEL_MISCONFIGURED, settings={"replicas": 2}
    ),
)
