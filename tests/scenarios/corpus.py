"""The scenarios: a topology, what is done to it, and the verdict that it must get. One line each where it fits."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from actions.kit.findings import Confidence, FindingId
from actions.kit.topology import Credentials, Kind, Tls
from sandbox.redis import Topology
from tests.scenarios import faults

CERTAIN, LIKELY, UNDETERMINED = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED
SENTINEL, REPLICATION = Kind.SENTINEL, Kind.REPLICATION
F = FindingId


@dataclass(frozen=True)
class Scenario:
    """``also`` must stand beside the verdict; ``settings`` are those of the topology, ``target`` of our way to it."""

    name: str
    kind: Kind
    fault: Callable[[Topology], Awaitable[None]]
    verdict: FindingId
    confidence: Confidence
    also: frozenset[FindingId] = frozenset()
    settings: Mapping[str, object] = field(default_factory=dict)
    target: Mapping[str, object] = field(default_factory=dict)


NOBODY = frozenset({F.NO_ELIGIBLE_REPLICA})
MISCONFIGURED = frozenset({F.SENTINEL_MISCONFIGURED})
AUTH = frozenset({F.AUTH_FAILED})

LINKS = {"links": True}
PASSWORD = {"password": "right"}
DEBUG = {"extra_config": {"enable-debug-command": "yes"}}
NO_AUTH = {"auth": Credentials()}
WRONG = {"auth": Credentials(None, "wrong")}

SCENARIOS = (
    Scenario("healthy under Sentinel", SENTINEL, faults.nothing, F.HEALTHY, CERTAIN),
    Scenario("healthy without", REPLICATION, faults.nothing, F.HEALTHY, CERTAIN),
    Scenario(
        "healthy with TLS and ACLs", SENTINEL, faults.nothing, F.HEALTHY, CERTAIN, settings={"tls": True, "acl": True}
    ),
    Scenario("master killed", REPLICATION, faults.kill_master, F.MASTER_DOWN, CERTAIN),
    Scenario("master killed, two Sentinels dead", SENTINEL, faults.kill_master_and_sentinels, F.MASTER_DOWN, LIKELY),
    Scenario("master killed under Sentinel", SENTINEL, faults.kill_master, F.FAILOVER_IN_PROGRESS, CERTAIN),
    Scenario("master hangs", REPLICATION, faults.hang_master, F.MASTER_DOWN, CERTAIN),
    Scenario("master hangs under Sentinel", SENTINEL, faults.hang_master, F.REPLICA_DOWN, CERTAIN),
    Scenario(
        "we are cut off the master",
        SENTINEL,
        faults.cut_us_off_the_master,
        F.MASTER_UNREACHABLE,
        CERTAIN,
        settings=LINKS,
    ),
    Scenario(
        "we hear nothing of the master",
        SENTINEL,
        faults.hide_master_from_us,
        F.MASTER_UNREACHABLE,
        LIKELY,
        settings=LINKS,
    ),
    Scenario(
        "Sentinels are cut off the master",
        SENTINEL,
        faults.hide_master_from_sentinels,
        F.MASTER_UNREACHABLE,
        CERTAIN,
        settings=LINKS,
    ),
    Scenario("SENTINEL FAILOVER", SENTINEL, faults.start_failover, F.FAILOVER_IN_PROGRESS, CERTAIN),
    Scenario("FAILOVER that waits", REPLICATION, faults.failover_command_that_waits, F.FAILOVER_IN_PROGRESS, CERTAIN),
    Scenario("promoted by hand under Sentinel", SENTINEL, faults.promote_by_hand, F.SPLIT_BRAIN, CERTAIN),
    Scenario("promoted by hand", REPLICATION, faults.promote_by_hand, F.SPLIT_BRAIN, UNDETERMINED),
    Scenario("old master returns", SENTINEL, faults.return_of_the_old_master, F.SPLIT_BRAIN, CERTAIN),
    Scenario("replica killed", SENTINEL, faults.kill_replica, F.REPLICA_DOWN, CERTAIN),
    Scenario("replica killed, no Sentinel", REPLICATION, faults.kill_replica, F.REPLICA_DOWN, CERTAIN),
    Scenario("replica hangs", SENTINEL, faults.hang_replica, F.REPLICA_DOWN, CERTAIN),
    Scenario("all replicas killed", SENTINEL, faults.kill_all_replicas, F.REPLICA_DOWN, CERTAIN, NOBODY),
    Scenario(
        "masterauth forgotten", REPLICATION, faults.forget_masterauth, F.REPLICATION_BROKEN, CERTAIN, settings=PASSWORD
    ),
    Scenario(
        "replicas two megabytes behind",
        SENTINEL,
        faults.hold_replication,
        F.REPLICA_LAGGING,
        CERTAIN,
        NOBODY,
        settings=LINKS,
    ),
    Scenario("full sync", REPLICATION, faults.slow_full_sync, F.REPLICA_SYNCING, CERTAIN),
    Scenario("no replica may be promoted", SENTINEL, faults.forbid_promotion, F.NO_ELIGIBLE_REPLICA, CERTAIN),
    Scenario(
        "no replica at all", REPLICATION, faults.nothing, F.NO_ELIGIBLE_REPLICA, CERTAIN, settings={"replicas": 0}
    ),
    Scenario(
        "two of three Sentinels killed",
        SENTINEL,
        faults.kill_two_sentinels,
        F.SENTINEL_QUORUM_LOST,
        CERTAIN,
        frozenset({F.SENTINEL_DOWN}),
    ),
    Scenario("one Sentinel killed", SENTINEL, faults.kill_one_sentinel, F.SENTINEL_DOWN, CERTAIN),
    Scenario(
        "a Sentinel monitors a replica", SENTINEL, faults.monitor_something_else, F.SENTINEL_DISAGREEMENT, CERTAIN
    ),
    Scenario("a Sentinel does not know the name", SENTINEL, faults.forget_the_name, F.SENTINEL_MISCONFIGURED, CERTAIN),
    Scenario("quorum above the number", SENTINEL, faults.raise_quorum, F.SENTINEL_QUORUM_LOST, CERTAIN, MISCONFIGURED),
    Scenario("quorum below the majority", SENTINEL, faults.lower_quorum, F.HEALTHY, CERTAIN, MISCONFIGURED),
    Scenario("different quorums", SENTINEL, faults.change_one_quorum, F.SENTINEL_MISCONFIGURED, CERTAIN),
    Scenario("two Sentinels", SENTINEL, faults.nothing, F.SENTINEL_MISCONFIGURED, CERTAIN, settings={"sentinels": 2}),
    Scenario(
        "four Sentinels",
        SENTINEL,
        faults.nothing,
        F.HEALTHY,
        CERTAIN,
        MISCONFIGURED,
        settings={"sentinels": 4, "quorum": 3},
    ),
    Scenario(
        "a replica's password changed",
        SENTINEL,
        faults.change_password_of_one,
        F.AUTH_FAILED,
        CERTAIN,
        settings=PASSWORD,
    ),
    Scenario("our password is wrong", SENTINEL, faults.nothing, F.UNDETERMINED, UNDETERMINED, AUTH, PASSWORD, WRONG),
    Scenario("we have no password", REPLICATION, faults.nothing, F.UNDETERMINED, UNDETERMINED, AUTH, PASSWORD, NO_AUTH),
    Scenario(
        "we do not trust the certificate",
        SENTINEL,
        faults.nothing,
        F.UNDETERMINED,
        UNDETERMINED,
        frozenset({F.TLS_FAILED}),
        {"tls": True},
        {"tls": Tls()},
    ),
    Scenario("a replica loads", REPLICATION, faults.load_slowly, F.LOADING, CERTAIN, settings=DEBUG),
    Scenario("a script holds the master", REPLICATION, faults.run_a_script_for_ever, F.BUSY_SCRIPT, CERTAIN),
    Scenario("too few replicas for a write", SENTINEL, faults.ask_for_too_many_replicas, F.WRITES_REFUSED, CERTAIN),
    Scenario("a fence left behind", SENTINEL, faults.leave_the_fence, F.WRITES_REFUSED, CERTAIN),
    Scenario("a ring of replicas", REPLICATION, faults.make_a_ring, F.WRITES_REFUSED, CERTAIN),
    Scenario("out of memory", SENTINEL, faults.use_up_the_memory, F.OUT_OF_MEMORY, CERTAIN),
    Scenario("nearly out of memory", SENTINEL, faults.use_nearly_all_memory, F.MEMORY_PRESSURE, CERTAIN),
    Scenario("the dump fails", REPLICATION, faults.break_the_dump, F.PERSISTENCE_FAILING, CERTAIN),
)

ON_EVERY_BUILD = frozenset(
    {"healthy under Sentinel", "master killed", "promoted by hand under Sentinel", "two of three Sentinels killed"}
)
"""Also on Redis 7.0 and 6.2, where present: what INFO and Sentinel say in their own ways."""
