"""All answer, and yet the service suffers: writes refused, memory, disk, scripts."""

from tests.scenarios.faults import masters, service
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.stages import replication, sentinel

GONE = frozenset({F.MASTER_DOWN, F.MASTER_UNREACHABLE, F.SPLIT_BRAIN, F.HEALTHY})

SERVICE = (
    Scenario("a script holds the master", replication, service.run_a_script_for_ever, F.BUSY_SCRIPT, never=GONE),
    Scenario("too few replicas for a write", sentinel, service.ask_for_too_many_replicas, F.WRITES_REFUSED, never=GONE),
    Scenario("a fence left behind", sentinel, service.leave_the_fence, F.WRITES_REFUSED, never=GONE),
    Scenario(
        "a ring of replicas",
        replication,
        masters.make_a_ring,
        F.WRITES_REFUSED,
        offers=frozenset({"promote"}),
        never=GONE,
    ),
    Scenario("out of memory", sentinel, service.use_up_the_memory, F.OUT_OF_MEMORY, never=GONE),
    Scenario("nearly out of memory", sentinel, service.use_nearly_all_memory, F.MEMORY_PRESSURE, never=GONE),
    Scenario(
        "the dump fails",
        replication,
        service.break_the_dump,
        F.PERSISTENCE_FAILING,
        offers=frozenset({"failover"}),
        never=GONE,
    ),
)
