"""Snapshots as hypothesis makes them: of every kind, with faults, with silence, with what no server should say."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from actions.kit.elasticache.views import GroupView, MemberView, NodeGroupView
from actions.kit.kubernetes.view import EnvValue, KubernetesView
from actions.kit.snapshot import (
    AttachedReplica,
    Link,
    MonitoredMaster,
    NodeConfig,
    NodeInfo,
    NodeView,
    Reason,
    Role,
    SentinelReplica,
    SentinelView,
    Snapshot,
    Unasked,
)
from actions.kit.stats import Errors, NodeStats
from actions.kit.topology import Address, Kind
from tests import builders
from tests.clusters import Cluster, cluster
from tests.kubernetes_views import chart_of_replication, on_kubernetes, with_pod

DOWN = frozenset({"s_down"})
OPTIONAL = tuple(
    name
    for name, field in NodeInfo.__dataclass_fields__.items()
    if field.default is None and name not in {"link", "failover_state"}
)
reasons = st.sampled_from([reason for reason in Reason if reason is not Reason.UNKNOWN_MASTER])
numbers = st.sampled_from([0, 1, 2, 9, 10, 95, 100, 10**6, 2**63 - 1])
ILLS = st.sampled_from(
    [
        {"used_memory": 95, "max_memory": 100, "max_memory_policy": "noeviction"},
        {"used_memory": 100, "max_memory": 100, "max_memory_policy": "noeviction"},
        {"used_memory": 100, "max_memory": 100, "max_memory_policy": "allkeys-lru", "evicted_keys": 9},
        {"connected_clients": 95, "max_clients": 100, "rejected_connections": 3},
        {"last_bgsave_ok": False, "changes_since_save": 7},
        {"aof_enabled": True, "last_aof_write_ok": False},
        {"errors": Errors(readonly=3, oom=2, misconf=1, noreplicas=4)},
        {"stats": NodeStats(*range(len(NodeStats.__dataclass_fields__)))},
    ]
)
"""What a server says of itself that is a finding, at once or by its growth."""


@st.composite
def plain(draw) -> Snapshot:
    """A healthy target of up to five nodes and five Sentinels, with up to five things wrong."""
    replicas, sentinels = draw(st.integers(0, 4)), draw(st.integers(0, 5))
    snapshot = builders.healthy(replicas, sentinels)
    for _ in range(draw(st.integers(0, 5))):
        number = draw(st.integers(1, replicas + 1))
        snapshot = draw(st.sampled_from([_broken_node, _broken_sentinel]))(draw, snapshot, number)
    return snapshot


def _broken_node(draw, snapshot: Snapshot, number: int) -> Snapshot:  # noqa: PLR0911 -- One return a kind of fault.
    info = snapshot.nodes[number - 1].info
    if info is None:
        return snapshot
    other = builders.node_at(draw(st.integers(1, len(snapshot.nodes) + 1)))
    link = Link(other, draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([None, 0, 5, 60])), None)
    match draw(
        st.sampled_from(["silent", "promoted", "replica", "attached", "offset", "loading", "fence", "optional", "ill"])
    ):
        case "silent":
            return builders.without_node(snapshot, number, draw(reasons))
        case "promoted":
            replid2 = draw(st.sampled_from([info.replid, "0" * 40]))
            return builders.with_node(
                snapshot, number, role=Role.MASTER, link=None, replid="e" * 40, replid2=replid2, replicas=()
            )
        case "replica":
            return builders.with_node(snapshot, number, role=Role.REPLICA, link=link)
        case "ill":
            return builders.with_node(snapshot, number, **draw(ILLS))
        case "attached":
            return builders.with_node(snapshot, number, replicas=info.replicas[1:])
        case "offset":
            return builders.with_node(snapshot, number, offset=draw(st.integers(0, 10**12)))
        case "loading":
            return builders.with_node(snapshot, number, loading=True)
        case "fence":
            config = NodeConfig(draw(st.sampled_from([None, 1, 10**6])), 10, draw(st.sampled_from([None, 0, 1])))
            return builders.with_node(
                builders.with_view(snapshot, number, config=config), number, good_replicas=draw(st.integers(0, 2))
            )
        case _:
            fields = {name: draw(st.sampled_from([None, 0, 1])) for name in OPTIONAL}
            return builders.with_node(snapshot, number, **fields)


def _broken_sentinel(draw, snapshot: Snapshot, number: int) -> Snapshot:  # noqa: PLR0911 -- As above.
    if not snapshot.sentinels:
        return snapshot
    index = draw(st.integers(1, len(snapshot.sentinels)))
    view = snapshot.sentinels[index - 1]
    if view.master is None:
        return snapshot
    match draw(st.sampled_from(["silent", "flags", "names", "quorum", "tilt", "peers", "replica"])):
        case "silent":
            return builders.without_sentinel(snapshot, index, draw(st.sampled_from(list(Reason))))
        case "flags":
            flags = draw(st.sampled_from(["s_down", "o_down", "disconnected", "failover_in_progress"]))
            return builders.with_opinion(snapshot, index, flags=frozenset({"master", flags}))
        case "names":
            epoch = draw(st.integers(0, 2))
            return builders.with_opinion(snapshot, index, address=builders.node_at(number), config_epoch=epoch)
        case "quorum":
            return builders.with_sentinel(snapshot, index, quorum_ok=draw(st.sampled_from([None, False])))
        case "tilt":
            return builders.with_sentinel(snapshot, index, tilt=True)
        case "peers":
            return builders.with_opinion(snapshot, index, peers_down=view.master.peers)
        case _:
            changed = draw(st.fixed_dictionaries({"flags": st.sampled_from([DOWN, frozenset()])}))
            role = draw(st.sampled_from(["slave", "master"]))
            entries = tuple(replace(one, role_reported=role, **changed) for one in view.master.replicas)
            return builders.with_opinion(snapshot, index, replicas=entries)


@st.composite
def whole_faults(draw) -> Snapshot:
    """A master that is lost to everybody, or to some, or that was replaced: what a single change seldom makes."""
    replicas, sentinels = draw(st.integers(1, 3)), draw(st.sampled_from([0, 3, 5]))
    snapshot = builders.healthy(replicas, sentinels)
    down = draw(st.sampled_from([0, sentinels // 2, (sentinels + 1) // 2, sentinels]))
    for number in range(1, down + 1):
        snapshot = builders.with_opinion(snapshot, number, flags=frozenset({"master", "s_down", "o_down"}))
    for number in range(2, replicas + 2):
        link = draw(st.sampled_from([{"up": False, "down_since_s": 3}, {"last_io_s": 40}, {"last_io_s": 5}, {}]))
        snapshot = builders.with_link(snapshot, number, **link)
    if draw(st.booleans()):
        snapshot = builders.without_node(snapshot, 1, draw(reasons))
    if draw(st.booleans()):
        heir = {"role": Role.MASTER, "link": None, "replid": "b" * 40, "replid2": builders.REPLID}
        snapshot = builders.with_node(
            snapshot, 2, **heir, second_repl_offset=draw(st.sampled_from([1, builders.OFFSET]))
        )
    for number in range(1, draw(st.integers(0, sentinels)) + 1):
        snapshot = builders.with_opinion(snapshot, number, address=builders.node_at(2), config_epoch=1, replicas=())
    for number in draw(st.sets(st.integers(1, sentinels))) if sentinels else ():
        snapshot = builders.without_sentinel(snapshot, number, draw(reasons))
    return snapshot


@st.composite
def clusters(draw) -> Snapshot:
    """A cluster in which some nodes tell odd tables, refuse commands, are dead or silent, or say something is wrong."""
    shards, replicas = draw(st.integers(1, 4)), draw(st.integers(0, 2))
    number = st.integers(1, shards * (replicas + 1))
    given = cluster(shards, replicas)
    if draw(st.booleans()):
        given = given.failed(*draw(st.sets(number, max_size=2)))
    for _ in range(draw(st.integers(0, 3))):
        given = draw(st.sampled_from([_told_by_one, _told_by_all, _silent, _refusing]))(draw, given, number)
    ill = draw(st.dictionaries(number.map(builders_address), ILLS, max_size=2))
    return given.snapshot(lambda view: _ill(view, ill.get(view.address.host, {})))


def builders_address(number: int) -> str:
    return builders.node_at(number).host


def _ill(view: NodeView, changes: dict) -> NodeView:
    return replace(view, info=replace(view.info, **changes)) if view.info else view


ROWS = st.fixed_dictionaries(
    {},
    optional={
        "epoch": st.integers(0, 9),
        "slots": st.sampled_from(["", "0-5460", "7", "0-16383"]),
        "flags": st.sampled_from(["", "fail", "fail?", "handshake", "noaddr", "nofailover"]),
        "link": st.sampled_from(["connected", "disconnected"]),
        "master": st.integers(0, 4),
        "opened": st.sampled_from(["", f"[7->-{2:040x}]", f"[7-<-{1:040x}]"]),
    },
)


def _told_by_one(draw, given: Cluster, number: st.SearchStrategy) -> Cluster:
    return given.says(draw(number), draw(number), **draw(ROWS))


def _told_by_all(draw, given: Cluster, number: st.SearchStrategy) -> Cluster:
    return given.row(draw(number), **draw(ROWS))


def _silent(draw, given: Cluster, number: st.SearchStrategy) -> Cluster:
    return given.without(*draw(st.sets(number, min_size=1)), reason=draw(reasons))


def _refusing(draw, given: Cluster, number: st.SearchStrategy) -> Cluster:
    return replace(given, states={**given.states, draw(number): "fail"})


@st.composite
def on_aws(draw) -> Snapshot:
    """A group whose nodes are told by AWS, which calls some node the primary, or is at work, or is silent."""
    snapshot = replace(draw(plain()), kind=Kind.ELASTICACHE, sentinels=())
    snapshot = replace(snapshot, nodes=tuple(replace(node, config=None) for node in snapshot.nodes))
    if draw(st.integers(0, 4)) == 0:
        silent = Unasked("AWS aragora-redis", draw(reasons), "no answer")
        return replace(snapshot, group=GroupView("eu-west-1", "aragora-redis", unasked=silent))
    primary = draw(st.integers(1, len(snapshot.nodes) + 1))
    statuses = st.sampled_from(["available", "available", "modifying", ""])
    members = tuple(
        MemberView(f"m-{number}", "0001", number == primary, draw(st.sampled_from("ab")), draw(statuses), node.address)
        for number, node in enumerate(snapshot.nodes, 1)
    )
    group = GroupView(
        *("eu-west-1", "aragora-redis"),
        status=draw(statuses),
        automatic_failover=draw(st.sampled_from(["enabled", "disabled", "enabling"])),
        pending=draw(st.sampled_from([(), ("PrimaryClusterId m-2",), ("CacheNodeType",)])),
        node_groups=(NodeGroupView("0001", draw(statuses), members=members),),
    )
    return replace(snapshot, group=group)


@st.composite
def in_kubernetes(draw) -> Snapshot:
    """A chart of three nodes, whose pods, Services and application are as they should be or are not."""
    snapshot = draw(st.one_of(plain(), whole_faults()))
    hosts = ["redis-master", "redis-replicas", "10.0.0.2", "redis-master-0.redis-headless", "elsewhere"]
    view = chart_of_replication(draw(st.sampled_from(hosts)))
    for _ in range(draw(st.integers(0, 3))):
        view = draw(st.sampled_from([_pod, _service, _setting, _unasked]))(draw, view)
    return on_kubernetes(snapshot, view)


def _pod(draw, view: KubernetesView) -> KubernetesView:
    changes = st.sampled_from(
        [{"ready": False}, {"leaving": True}, {"phase": "Pending", "ip": "", "ready": False}, {"phase": "Failed"}]
    )
    return with_pod(view, draw(st.integers(1, 3)), **draw(changes)) if view.pods else view


def _service(draw, view: KubernetesView) -> KubernetesView:
    pods = draw(st.sampled_from([None, (), ("redis-replicas-0",), ("redis-master-0", "redis-replicas-0")]))
    return replace(view, services=tuple(replace(one, pods=pods) if one.takes_writes else one for one in view.services))


def _setting(draw, view: KubernetesView) -> KubernetesView:
    value = draw(
        st.sampled_from(
            [None, "", "redis://:pw@redis-replicas-0.redis-headless:6379/0", "a,b", ",,", "redis-replicas.aragora.svc"]
        )
    )
    return (
        replace(view, application=replace(view.application, value=EnvValue(value, "a Secret")))
        if view.application
        else view
    )


def _unasked(draw, view: KubernetesView) -> KubernetesView:
    silent = Unasked("Kubernetes pods", draw(reasons), "no answer")
    if draw(st.booleans()):
        return KubernetesView(view.namespace, view.release, unasked=silent)
    return replace(view, gaps=(silent,))


PLACES = [builders.node_at(number) for number in (1, 2, 3)] + [builders.sentinel_at(1)]
TABLES = (None, *{node.cluster.my_id: node.cluster for node in cluster(2, 1).snapshot().nodes}.values())
place = st.sampled_from(PLACES)
flags = st.frozensets(st.sampled_from(["master", "slave", "s_down", "o_down", "failover_in_progress", "?"]), max_size=3)
count = st.sampled_from([0, 1, 7, -1, -(2**63), 2**63 - 1, 10**30])
maybe = st.sampled_from([None, 0, 1, 7, -1, 2**63 - 1, 10**30])
words = st.sampled_from(["", "x", "a" * 40, "0" * 40, "<!channel>", "\x00"])
links = st.builds(Link, place, st.booleans(), st.booleans(), maybe, maybe, maybe, maybe)
attached = st.lists(st.builds(AttachedReplica, place, words, count, count), max_size=2).map(tuple)
infos = st.builds(
    NodeInfo,
    *(st.sampled_from(list(Role)), words, st.just((0,)), words, count, st.booleans(), words, words, count, count),
    replicas=attached,
    link=st.none() | links,
)
odd_fields = st.dictionaries(st.sampled_from(OPTIONAL), maybe, max_size=6)
odd_stats = st.dictionaries(st.sampled_from(sorted(NodeStats.__dataclass_fields__)), maybe, max_size=4)
configs = st.none() | st.builds(NodeConfig, maybe, maybe, maybe)
entries = st.builds(SentinelReplica, place, flags, st.booleans(), count, count, st.none() | place, words, maybe)
monitored = st.builds(
    MonitoredMaster,
    *(place, flags, count, count, st.sampled_from([-1, 0, 2, 9]), count, count),
    replicas=st.lists(entries, max_size=2).map(tuple),
    peers=st.lists(place, max_size=2).map(tuple),
    peers_down=st.lists(place, max_size=2).map(tuple),
)
views = st.builds(SentinelView, place, master=st.none() | monitored, tilt=st.booleans())


@st.composite
def absurd(draw) -> Snapshot:
    """What no server should say: nodes that follow themselves, answer for another, count backwards; any kind."""
    return Snapshot(
        *("orders", draw(st.sampled_from(list(Kind))), datetime(2025, 1, 1, tzinfo=UTC)),
        tuple(_absurd_node(draw, here) for here in PLACES[: draw(st.integers(0, 4))]),
        sentinels=tuple(draw(st.lists(views, max_size=2))),
        clock_s=draw(st.sampled_from([None, -1.0, 0.0, 5.0])),
    )


def _absurd_node(draw, here: Address) -> NodeView:
    info = draw(st.none() | infos)
    if info is not None:
        stats = replace(info.stats, **draw(odd_stats))
        info = replace(info, **draw(odd_fields), failover_state=draw(st.none() | words), stats=stats)
    return NodeView(
        here,
        info=info,
        config=draw(configs),
        normal_clients=draw(maybe),
        watching_sentinels=draw(maybe),
        cluster=draw(st.sampled_from(TABLES)),
        also=draw(st.sampled_from([(), (PLACES[0],)])),
    )


def snapshots() -> st.SearchStrategy[Snapshot]:
    """Of every kind, as servers could have told them."""
    return st.one_of(plain(), whole_faults(), clusters(), on_aws(), in_kubernetes())


def later(draw: Callable, snapshot: Snapshot) -> Snapshot:
    """The same a moment later: every offset and counter of the nodes has grown, by as much on each."""
    growth = draw(numbers)

    def grown(node: NodeView) -> NodeView:
        if node.info is None:
            return node
        return replace(node, info=replace(node.info, offset=node.info.offset + growth, changes_since_save=growth))

    return replace(snapshot, nodes=tuple(map(grown, snapshot.nodes)), clock_s=(snapshot.clock_s or 0.0) + 1.0)
