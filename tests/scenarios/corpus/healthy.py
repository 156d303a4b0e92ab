"""Where nothing is wrong, and nothing may be said to be."""

from tests.scenarios.faults.masters import nothing
from tests.scenarios.faults.sentinels import lower_quorum
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.stages import replication, sentinel

MISCONFIGURED = frozenset({F.SENTINEL_MISCONFIGURED})

HEALTHY = (
    Scenario("healthy under Sentinel", sentinel, nothing, F.HEALTHY, master=0),
    Scenario("healthy without", replication, nothing, F.HEALTHY, master=0),
    Scenario("healthy with TLS and ACLs", sentinel, nothing, F.HEALTHY, settings={"tls": True, "acl": True}),
    Scenario("quorum below the majority", sentinel, lower_quorum, F.HEALTHY, also=MISCONFIGURED),
    Scenario(
        "four Sentinels", sentinel, nothing, F.HEALTHY, also=MISCONFIGURED, settings={"sentinels": 4, "quorum": 3}
    ),
)
