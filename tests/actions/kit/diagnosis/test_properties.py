"""What holds for every diagnosis, whatever the snapshot."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, FindingId, Severity
from actions.kit.snapshot import Link, NodeConfig, NodeInfo, Reason, Role, Snapshot
from actions.kit.topology import Address
from tests import builders

DOWN = frozenset({"s_down"})
OPTIONAL = tuple(
    name
    for name, field in NodeInfo.__dataclass_fields__.items()
    if field.default is None and name not in {"link", "failover_state"}
)
reasons = st.sampled_from([reason for reason in Reason if reason is not Reason.UNKNOWN_MASTER])


@st.composite
def snapshots(draw) -> Snapshot:
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
        st.sampled_from(["silent", "promoted", "replica", "attached", "offset", "loading", "fence", "optional"])
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


@given(snapshots())
def test_every_snapshot_has_a_verdict_and_the_worst_stands_first(snapshot):
    findings = diagnose(snapshot).findings
    severities = [one.severity for one in findings]

    assert findings
    assert severities == sorted(severities, reverse=True) or findings[0].id is FindingId.HEALTHY
    if findings[0].id is FindingId.HEALTHY:
        assert all(one.severity <= Severity.INFO for one in findings)
        assert all(view.unasked is None for view in (*snapshot.nodes, *snapshot.sentinels))


@given(snapshots(), st.data())
def test_silence_never_makes_sure_and_never_heals(snapshot, data):
    """A finding about the one that fell silent is left out: there its silence is evidence itself."""
    before = diagnose(snapshot)
    if snapshot.sentinels and data.draw(st.booleans()):
        number = data.draw(st.integers(1, len(snapshot.sentinels)))
        silent, gone = builders.without_sentinel(snapshot, number), snapshot.sentinels[number - 1].address
    else:
        number = data.draw(st.integers(1, len(snapshot.nodes)))
        silent, gone = builders.without_node(snapshot, number), snapshot.nodes[number - 1].address
    after = diagnose(silent)

    assert after.verdict.id is not FindingId.HEALTHY
    sure = [(one.id, set(one.nodes)) for one in before.findings if one.confidence is Confidence.CERTAIN]
    new = [
        one
        for one in after.findings
        if one.confidence is Confidence.CERTAIN
        and gone not in one.nodes
        and not any(one.id is known and nodes >= set(one.nodes) for known, nodes in sure)
    ]
    assert not new


@given(snapshots(), st.randoms(use_true_random=False))
def test_names_never_change_the_verdict(snapshot, random):
    hosts = sorted({address.host for address in _addresses(snapshot)})
    names = [f"host-{number}" for number in range(len(hosts))]
    random.shuffle(names)
    renamed = _renamed(snapshot, dict(zip(hosts, names, strict=True)))

    before, after = (
        [(one.id, one.severity, one.confidence) for one in diagnose(one).findings] for one in (snapshot, renamed)
    )
    assert before[0] == after[0]
    assert sorted(before) == sorted(after)


@given(st.integers(0, 10**15), st.integers(0, 5), st.integers(0, 5))
def test_growing_offsets_keep_healthy_healthy(growth, replicas, sentinels):
    snapshot = builders.healthy(replicas, sentinels)
    grown = snapshot
    for number in range(1, replicas + 2):
        grown = builders.with_node(grown, number, offset=builders.OFFSET + growth)

    assert diagnose(grown).verdict == diagnose(snapshot).verdict


def _addresses(value: object) -> list[Address]:
    if isinstance(value, Address):
        return [value]
    if isinstance(value, tuple | frozenset):
        return [address for one in value for address in _addresses(one)]
    fields = getattr(value, "__dataclass_fields__", ())
    return [address for name in fields for address in _addresses(getattr(value, name))]


def _renamed(value: object, names: dict[str, str]) -> object:
    if isinstance(value, Address):
        return value._replace(host=names[value.host])
    if isinstance(value, tuple):
        return tuple(_renamed(one, names) for one in value)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    return replace(value, **{name: _renamed(getattr(value, name), names) for name in value.__dataclass_fields__})
