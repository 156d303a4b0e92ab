"""All answer, and yet the service suffers: writes refused, memory, disk, scripts."""

from tests.scenarios.faults import masters, replicas, service
from tests.scenarios.faults.tools import both
from tests.scenarios.scenario import F, Scenario
from tests.scenarios.small_disk import may_be_mounted, on_a_small_disk
from tests.scenarios.stages import replication, sentinel

GONE = frozenset({F.MASTER_DOWN, F.MASTER_UNREACHABLE, F.SPLIT_BRAIN, F.HEALTHY})

SERVICE = (
    Scenario("a script holds the master", replication, service.run_a_script_for_ever, F.BUSY_SCRIPT, never=GONE),
    Scenario("too few replicas for a write", sentinel, service.ask_for_too_many_replicas, F.WRITES_REFUSED, never=GONE),
    Scenario("a fence left behind", sentinel, service.leave_the_fence, F.WRITES_REFUSED, never=GONE),
    Scenario(
        "writes were paused and nobody ended it",
        replication,
        service.pause_writes,
        F.WRITES_REFUSED,
        never=GONE - {F.HEALTHY},
        meanwhile=frozenset({F.HEALTHY}),
        master=0,
        clients=(0,),
    ),
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
    Scenario(
        "nearly as many clients as there may be",
        replication,
        service.lower_maxclients,
        F.CLIENTS_NEAR_LIMIT,
        never=GONE,
        clients=(0,) * 40,
    ),
    Scenario(
        "out of memory, and a replica killed",
        sentinel,
        both(replicas.kill_replica, service.use_up_the_memory),
        F.OUT_OF_MEMORY,
        also=frozenset({F.REPLICA_DOWN}),
        never=GONE,
    ),
    Scenario(
        "the dump fails, and a replica killed",
        sentinel,
        both(service.break_the_dump, replicas.kill_replica),
        F.REPLICA_DOWN,
        offers=frozenset({"failover"}),
        also=frozenset({F.PERSISTENCE_FAILING}),
        never=GONE,
    ),
    Scenario(
        "an application writes to a replica",
        replication,
        masters.nothing,
        F.APP_ON_REPLICA,
        never=GONE - {F.HEALTHY},
        meanwhile=frozenset({F.HEALTHY}),
        clients=(0, 1),
    ),
    Scenario(
        "an application stayed with the old master",
        replication,
        masters.hand_over,
        F.APP_ON_REPLICA,
        never=frozenset({F.MASTER_DOWN, F.SPLIT_BRAIN}),
        meanwhile=frozenset(
            {F.HEALTHY, F.FAILOVER_IN_PROGRESS, F.REPLICATION_BROKEN, F.REPLICA_SYNCING, F.WRITES_REFUSED}
        ),
        loser=0,
        clients=(0,),
    ),
    Scenario(
        "the disk is full",
        on_a_small_disk,
        service.fill_the_disk,
        F.PERSISTENCE_FAILING,
        also=frozenset({F.WRITES_REFUSED}),
        offers=frozenset({"failover"}),
        never=GONE,
        needs=may_be_mounted,
    ),
    Scenario(
        "the dump fails, and writes are refused for it",
        replication,
        service.break_the_dump,
        F.PERSISTENCE_FAILING,
        also=frozenset({F.WRITES_REFUSED}),
        offers=frozenset({"failover"}),
        never=GONE,
        settings={"extra_config": {"save": "3600 1"}},
    ),
    Scenario(
        "a command took more than a second",
        replication,
        service.run_a_slow_command,
        F.SLOW_COMMANDS,
        never=GONE,
        master=0,
        settings={"extra_config": {"enable-debug-command": "yes"}},
    ),
)
