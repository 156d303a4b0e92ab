"""What holds for every diagnosis, whatever the snapshot: of every kind, with any faults, seen once or twice."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.action import Seen
from actions.kit.diagnosis import diagnose
from actions.kit.diagnosis.second_look import open_questions
from actions.kit.findings import Confidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView, Reason, SentinelView, Snapshot, Unasked
from actions.kit.topology import Address
from actions.kit.vantage import matrix
from bot.render.json import diagnosed_json
from bot.render.matrix import matrix_lines, matrix_markup
from tests import builders
from tests.actions.kit.diagnosis.strategies import absurd, later, snapshots
from tests.clusters import cluster
from tests.kubernetes_views import chart_of_replication, on_kubernetes

SILENT = st.sampled_from([Reason.TIMED_OUT, Reason.CLOSED, Reason.UNRESOLVED])
"""REFUSED is no silence: it tells that nothing listens there."""


@given(snapshots())
def test_every_snapshot_has_a_verdict_and_the_worst_stands_first(snapshot):
    findings = diagnose(snapshot).findings
    severities = [one.severity for one in findings]

    assert findings
    assert all(one.evidence for one in findings)
    assert severities == sorted(severities, reverse=True) or findings[0].id is FindingId.HEALTHY
    if findings[0].id is FindingId.HEALTHY:
        assert all(one.severity <= Severity.INFO for one in findings)
        assert all(view.unasked is None for view in (*snapshot.nodes, *snapshot.sentinels))
    if all(view.unasked is None for view in (*snapshot.nodes, *snapshot.sentinels)):
        assert not any(one.id is FindingId.REPLICA_DOWN for one in findings)


@given(snapshots() | absurd(), absurd() | snapshots())
def test_nothing_that_a_server_says_stops_a_diagnosis(snapshot, earlier):
    for seen in (diagnose(snapshot), diagnose(snapshot, earlier), diagnose(snapshot, replace(snapshot, clock_s=0.0))):
        assert seen.findings
        open_questions(snapshot, seen)
        diagnosed_json(Seen(snapshot, seen))
    assert matrix_markup(matrix(snapshot))
    assert list(matrix_lines(matrix(snapshot)))


@given(absurd())
def test_what_is_absurd_is_healthy_only_where_all_answered(snapshot):
    assert diagnose(snapshot).verdict.id is not FindingId.HEALTHY or all(node.info for node in snapshot.nodes)


@given(snapshots(), st.data())
def test_silence_never_makes_sure_and_never_heals(snapshot, data):
    """A finding about the one that fell silent is left out: there its silence is evidence itself.

    What was undetermined because one contradicted may become likely when that one is silent: likely says just this,
    that somebody who could contradict did not answer.
    """
    silent, gone = data.draw(silenced(snapshot))
    before, after = diagnose(snapshot), diagnose(silent)

    assert after.verdict.id is not FindingId.HEALTHY
    sure = [one for one in before.findings if one.confidence is Confidence.CERTAIN]
    new = [one for one in after.findings if one.confidence is Confidence.CERTAIN and gone not in one.nodes]
    assert [one for one in new if not any(_includes(known, one) for known in sure)] == []


def _includes(known: Finding, one: Finding) -> bool:
    return one.id is known.id and (set(known.nodes) >= set(one.nodes) or one.summary == known.summary)


@st.composite
def silenced(draw, snapshot: Snapshot) -> tuple[Snapshot, Address | None]:
    """The same without one vantage point, and its address where it has one."""
    points: list[object] = [*snapshot.nodes, *snapshot.sentinels]
    points += [view for view in (snapshot.group, snapshot.kubernetes) if view is not None]
    point = draw(st.sampled_from(points))
    unasked = Unasked("whoever it was", draw(SILENT), "no answer")
    if isinstance(point, NodeView):
        bare = NodeView(point.address, unasked, known_from=point.known_from, also=point.also)
        nodes = tuple(bare if one is point else one for one in snapshot.nodes)
        return replace(snapshot, nodes=nodes), point.address
    if isinstance(point, SentinelView):
        sentinels = tuple(SentinelView(one.address, unasked) if one is point else one for one in snapshot.sentinels)
        return replace(snapshot, sentinels=sentinels), point.address
    if point is snapshot.group:
        bare_group = replace(snapshot.group, unasked=unasked, status="", pending=(), node_groups=(), events=())
        return replace(snapshot, group=bare_group), None
    bare_view = replace(
        snapshot.kubernetes, unasked=unasked, pods=(), sets=(), claims=(), services=(), application=None
    )
    return replace(snapshot, kubernetes=bare_view), None


@given(snapshots(), st.randoms(use_true_random=False))
def test_names_and_their_order_never_change_the_verdict(snapshot, random):
    hosts = sorted({address.host for address in _addresses(snapshot)})
    names = [f"host-{number}" for number in range(len(hosts))]
    random.shuffle(names)
    renamed = _renamed(snapshot, dict(zip(hosts, names, strict=True)), {})
    renamed = replace(renamed, nodes=_by_address(renamed.nodes), sentinels=_by_address(renamed.sentinels))

    assert told(renamed)[0] == told(snapshot)[0]
    assert Counter(told(renamed)) == Counter(told(snapshot))


def told(snapshot: Snapshot) -> list[tuple[FindingId, Severity, Confidence]]:
    return [(one.id, one.severity, one.confidence) for one in diagnose(snapshot).findings]


def _by_address(views: tuple) -> tuple:
    return tuple(sorted(views, key=lambda view: view.address))


HEALTHY = [
    builders.healthy(),
    builders.healthy(replicas=4, sentinels=5),
    builders.healthy(sentinels=0),
    cluster(3, 1).snapshot(),
    on_kubernetes(builders.healthy(sentinels=0), chart_of_replication()),
]


@pytest.mark.parametrize("snapshot", HEALTHY)
@given(data=st.data())
def test_what_is_healthy_stays_so_while_offsets_grow(snapshot, data):
    now = later(data.draw, snapshot)

    assert diagnose(now, snapshot).verdict == diagnose(now).verdict == diagnose(snapshot).verdict
    assert open_questions(now, diagnose(now)) == ()


@given(snapshots(), st.data())
def test_a_second_look_that_shows_the_same_changes_no_verdict(snapshot, data):
    """Growth adds what it tells; it never says that something is well which one look found wrong."""
    now = later(data.draw, snapshot)
    once, twice = diagnose(now), diagnose(now, snapshot)

    assert {one.id for one in twice.findings} >= {one.id for one in once.findings if one.severity > Severity.INFO}
    assert not (twice.has(FindingId.HEALTHY) and not once.has(FindingId.HEALTHY))


def _addresses(value: object) -> list[Address]:
    if isinstance(value, Address):
        return [value]
    if isinstance(value, tuple | frozenset):
        return [address for one in value for address in _addresses(one)]
    if value.__class__.__name__ == "PodView":
        return [Address(value.ip, 1)] * bool(value.ip)
    fields = getattr(value, "__dataclass_fields__", ())
    return [address for name in fields for address in _addresses(getattr(value, name))]


def _renamed(value: object, names: dict[str, str], done: dict[int, object]) -> object:
    """What is one object stays one: tables of a cluster that agree are."""
    if id(value) not in done:
        done[id(value)] = _newly_renamed(value, names, done)
    return done[id(value)]


def _newly_renamed(value: object, names: dict[str, str], done: dict[int, object]) -> object:
    if isinstance(value, Address):
        return value._replace(host=names[value.host])
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, tuple):
        parts = [_renamed(one, names, done) for one in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    return replace(value, **{name: _renamed(getattr(value, name), names, done) for name in value.__dataclass_fields__})
