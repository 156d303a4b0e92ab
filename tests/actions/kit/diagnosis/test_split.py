"""Which of several masters is kept: by the rank of the evidence, and undetermined where it conflicts."""

from dataclasses import replace

import pytest

from actions.kit.clients import Clients
from actions.kit.diagnosis import diagnose
from actions.kit.diagnosis.facts import Facts
from actions.kit.diagnosis.split import sides
from actions.kit.elasticache.views import GroupView
from actions.kit.findings import Confidence, FindingId
from actions.kit.kubernetes.view import ApplicationView, EnvValue, KubernetesView, PodView, ServiceView
from actions.kit.snapshot import Reason, Role, Unasked
from actions.kit.topology import Kind
from tests.builders import (
    REPLID,
    healthy,
    node_at,
    with_link,
    with_node,
    with_opinion,
    with_sentinel,
    with_view,
    without_node,
    without_sentinel,
)

CERTAIN, LIKELY, UNDETERMINED = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNDETERMINED
OLD, NEW, THIRD = node_at(1), node_at(2), node_at(3)


def gap(source):
    return Unasked(source, Reason.NOPERM, "no permission")


def promoted(snapshot, number, replid, fork, **more):
    ids = {"replid": replid * 40, "replid2": REPLID, "second_repl_offset": fork}
    return with_node(snapshot, number, role=Role.MASTER, link=None, replicas=(), **ids, **more)


def named(snapshot, number, epoch=1, sentinels=(1, 2, 3)):
    for one in sentinels if snapshot.sentinels else ():
        snapshot = with_opinion(snapshot, one, address=node_at(number), config_epoch=epoch, replicas=())
    return snapshot


def split(sentinels=3):
    """Node 2 was promoted at byte 8,001, and node 3 follows it; node 1 is still a master, with bytes of its own."""
    snapshot = promoted(with_node(healthy(sentinels=sentinels), 1, replicas=()), 2, "b", 8_001)
    snapshot = with_node(with_link(snapshot, 3, master=NEW), 3, replid="b" * 40, replid2=REPLID)
    return named(snapshot, 2)


def three(sentinels=3):
    return promoted(split(sentinels), 3, "c", 7_001)


def judged(snapshot, earlier=None):
    found = sides(Facts(snapshot, earlier))
    finding = next((one for one in diagnose(snapshot, earlier).findings if one.id is FindingId.SPLIT_BRAIN), None)
    assert (found is None) == (finding is None)
    if found is not None:
        assert (finding.confidence, finding.summary, set(finding.nodes)) == (
            found.confidence,
            found.why,
            set(found.masters),
        )
        assert (found.keeper is None) == (found.confidence is UNDETERMINED)
    return found


def writes(snapshot, **changes):
    """An earlier look and this one, between which so many changes were made on nodes 1, 2, 3."""
    now = before = snapshot
    for number, grown in zip((1, 2, 3), changes["by"], strict=False):
        before = with_node(before, number, changes_since_save=100)
        now = with_node(now, number, changes_since_save=100 + grown)
    return replace(now, clock_s=11.0), replace(before, clock_s=10.0)


def led(snapshot, pod, env=None, others=()):
    """A chart of Bitnami's whose write Service has these pods, and an application that is set to ``env``."""
    pods = tuple(PodView(f"redis-{number}", ip=node_at(number).host, ready=True) for number in (1, 2, 3))
    selected = tuple(f"redis-{number}" for number in (pod, *others)) if pod else ()
    services = (ServiceView("redis-master", "master", pods=selected), ServiceView("all", pods=("redis-1", "redis-2")))
    app = ApplicationView("api", "REDIS_HOST", value=EnvValue(env)) if env else None
    return replace(snapshot, kubernetes=KubernetesView("shop", "redis", pods=pods, services=services, application=app))


def test_the_sentinels_majority_says_who_is_kept_and_the_histories_what_is_lost():
    found = judged(split())

    assert (found.keeper, found.losers, found.confidence) == (NEW, (OLD,), CERTAIN)
    assert (found.divergence(OLD).second, found.divergence(OLD).second_bytes) == (OLD, 2_000)
    assert (found.named, found.hidden) == (NEW, ())


@pytest.mark.parametrize(
    ("by", "keeper"),
    [
        pytest.param((0, 0), NEW, id="nobody writes"),
        pytest.param((0, 7), NEW, id="the named one takes writes"),
        pytest.param((5, 7), NEW, id="both do"),
        pytest.param((5, 0), None, id="only the other does"),
    ],
)
def test_whom_the_sentinels_name_against_who_takes_writes(by, keeper):
    found = judged(*writes(split(), by=by))

    assert found.keeper == keeper
    assert "takes writes" in found.why or "none between two looks" in found.why or by == (0, 7)


def test_offsets_prove_writes_where_a_save_set_the_count_back_and_they_grew_by_more_than_hellos():
    def looks(grown):
        now, before = writes(split(), by=(-100, -100))
        return with_node(now, 1, offset=10_000 + grown), before

    assert judged(*looks(50_000)).writers.took == (OLD,)
    assert judged(*looks(50_000)).keeper is None
    assert judged(*looks(900)).writers.took == (), "three Sentinels publish so much in a second"
    assert judged(*looks(900)).keeper == NEW


@pytest.mark.parametrize(
    ("clients", "keeper", "words"),
    [
        pytest.param((Clients(4, 2), Clients(0, 0)), None, f"{OLD} is sent writes", id="only the other is written to"),
        pytest.param((Clients(4, 2), Clients(9, 0)), None, f"{OLD} is sent writes", id="the named one is read from"),
        pytest.param(
            (Clients(4, 0), Clients(0, 0)), None, "has clients that may write", id="only the other has clients"
        ),
        pytest.param((Clients(4, 2), Clients(9, 1)), NEW, "takes writes that will be lost", id="both are written to"),
        pytest.param((Clients(4, 0), Clients(1, 0)), NEW, "may have taken writes", id="both have clients"),
        pytest.param((Clients(0, 0), Clients(0, 0)), NEW, "may have taken writes", id="nobody uses them"),
    ],
)
def test_one_look_goes_by_what_the_clients_sent_last(clients, keeper, words):
    snapshot = split()
    for number, one in enumerate(clients, 1):
        snapshot = with_view(snapshot, number, clients=one, normal_clients=40)
    found = judged(snapshot)

    assert found.keeper == keeper
    assert words in found.why


def test_a_write_that_was_sent_and_not_taken_is_none():
    used = with_view(with_view(split(), 1, clients=Clients(1, 1)), 2, clients=Clients(1, 0))
    assert judged(used).keeper is None
    assert judged(*writes(used, by=(0, 0))).keeper == NEW


@pytest.mark.parametrize(
    ("snapshot", "keeper"),
    [
        pytest.param(led(split(), 1), None, id="the write Service selects the old one"),
        pytest.param(led(split(), 2), NEW, id="the write Service selects the named one"),
        pytest.param(led(split(), 1, others=(2,)), NEW, id="it spreads over both, which leads to nobody"),
        pytest.param(led(split(), None), NEW, id="it selects nobody"),
        pytest.param(led(split(), None, "redis-1.redis-headless"), None, id="the application names the old one's pod"),
        pytest.param(led(split(), None, f"redis://{OLD.host}:6379/0"), None, id="the application names its address"),
        pytest.param(led(split(), None, "all"), NEW, id="the application uses a Service over all"),
        pytest.param(led(split(), 2, "redis-1.redis-headless"), NEW, id="both are meant"),
    ],
)
def test_where_kubernetes_leads_the_application(snapshot, keeper):
    found = judged(snapshot)

    assert found.keeper == keeper
    if keeper is None:
        assert f"{OLD} is where the application is led to write" in found.why


def test_writes_that_were_seen_outweigh_where_the_application_is_led():
    assert judged(*(led(one, 1) for one in writes(split(), by=(0, 9)))).keeper == NEW


def test_without_sentinels_nobody_is_in_charge_and_what_is_known_is_said():
    snapshot = led(split(sentinels=0), 1)
    found = judged(*(led(one, 1) for one in writes(snapshot, by=(3, 0))))

    assert (found.keeper, found.losers, found.confidence) == (None, (OLD, NEW), UNDETERMINED)
    assert "nobody is in charge" in found.why
    assert f"{OLD} took writes between two looks. The application is led to write to {OLD}." in found.why


def test_aws_settles_its_own():
    found = judged(
        replace(split(sentinels=0), kind=Kind.ELASTICACHE, group=GroupView("eu-west-1", "orders", status="available"))
    )

    assert (found.keeper, found.confidence) == (None, UNDETERMINED)
    assert "AWS is in charge" in found.why


def test_three_masters():
    found = judged(three())

    assert (found.keeper, found.losers, found.confidence) == (NEW, (OLD, THIRD), CERTAIN)
    assert [found.divergence(loser).shared_until for loser in found.losers] == [8_000, 7_000]
    assert len(found.divergences) == 3
    assert judged(three(sentinels=0)).losers == (OLD, NEW, THIRD)
    assert judged(*writes(three(), by=(0, 0, 4))).keeper is None


def test_many_masters_are_compared_with_the_true_one_only():
    snapshot = healthy(replicas=400)
    for number in range(2, 402):
        snapshot = promoted(snapshot, number, "b", 8_001)
    found = judged(named(snapshot, 2))

    assert (found.keeper, len(found.losers), len(found.divergences)) == (NEW, 400, 400)
    assert all(NEW in (one.first, one.second) for one in found.divergences)


@pytest.mark.parametrize(
    ("snapshot", "confidence"),
    [
        pytest.param(without_sentinel(split(), 1), LIKELY, id="a Sentinel is silent"),
        pytest.param(without_sentinel(without_sentinel(split(), 1), 2), UNDETERMINED, id="most Sentinels are silent"),
        pytest.param(with_sentinel(with_sentinel(split(), 1, tilt=True), 2, tilt=True), UNDETERMINED, id="in TILT"),
        pytest.param(named(split(), 1, epoch=2, sentinels=(1,)), UNDETERMINED, id="one knows of a newer epoch"),
        pytest.param(named(split(), 1, epoch=0, sentinels=(1,)), CERTAIN, id="one is out of date"),
        pytest.param(without_node(split(), 3), LIKELY, id="a replica is silent"),
        pytest.param(with_view(split(), 1, gaps=(gap(f"node {OLD} CLIENT LIST"),)), LIKELY, id="clients are not told"),
        pytest.param(
            replace(split(), kubernetes=KubernetesView("shop", "redis", unasked=gap("Kubernetes pods"))),
            LIKELY,
            id="Kubernetes is silent",
        ),
    ],
)
def test_how_sure_the_sentinels_and_the_silent_leave_it(snapshot, confidence):
    assert judged(snapshot).confidence is confidence


@pytest.mark.parametrize("keys", [(10**6, 1), (1, 10**6)])
def test_the_number_of_keys_and_the_offsets_are_shown_and_decide_nothing(keys):
    snapshot = split()
    for number, held in enumerate(keys, 1):
        snapshot = with_node(with_view(snapshot, number, keys=held), number, offset=held * 100, used_memory=held)
    finding = diagnose(snapshot).verdict

    assert judged(snapshot).keeper == NEW
    assert any("which decides nothing" in one.observation for one in finding.evidence)


def test_a_replica_promoted_behind_the_sentinels_back_is_the_one_that_is_given_up():
    assert judged(named(split(), 1, epoch=0)).keeper == OLD
