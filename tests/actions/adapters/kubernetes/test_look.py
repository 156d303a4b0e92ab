"""Targets on Kubernetes are found by a release's name, in each of the charts' shapes; and what goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actions.adapters import TargetHands, connect
from actions.adapters.kubernetes import KubernetesRelease
from actions.kit.connecting import connection
from actions.kit.diagnosis import diagnose
from actions.kit.findings import FindingId
from actions.kit.kubernetes.place import Application, KubernetesPlace
from actions.kit.kubernetes.view import KubernetesView, Shape
from actions.kit.topology import Credentials, Kind, Target
from actions.kit.unasked import Reason
from sandbox.kubernetes import Release, bitnami
from sandbox.redis import build

pytestmark = pytest.mark.servers


def place_of(release: Release, user: object = None, /, **changes: object) -> KubernetesPlace:
    file = str(release.cluster.kubeconfig(user))
    return KubernetesPlace(**({"namespace": release.namespace, "release": "redis", "kubeconfig": file} | changes))


@asynccontextmanager
async def hands_on(
    release: Release,
    kind: Kind,
    user: object = None,
    /,
    *,
    timeout_ms: int = 5_000,
    password: str = "",
    **changes: object,
) -> AsyncIterator[TargetHands]:
    secret = Credentials(None, password or release.password)
    name = "mymaster" if kind is Kind.SENTINEL else ""
    place = place_of(release, user, **changes)
    target = Target(
        "orders", kind, auth=secret, sentinel_auth=secret, master_name=name, timeout_ms=timeout_ms, kubernetes=place
    )
    hands = connect(target)
    try:
        yield hands
    finally:
        await hands.aclose()


async def seen_at(place: KubernetesPlace, timeout_s: float = 5.0) -> KubernetesView:
    release = KubernetesRelease(place, timeout_s)
    try:
        return await release.look()
    finally:
        await release.aclose()


async def test_the_chart_with_sentinels():
    async with bitnami(build()) as release, hands_on(release, Kind.SENTINEL) as hands:
        views = await hands.sentinel_views()  # Before any look, as after a restart.
        assert [view.master is not None for view in views] == [True] * 3
        snapshot = await hands.observe()
        view = snapshot.kubernetes
        assert view.unasked is None, view
        assert (view.shape, view.gaps) == (Shape.SENTINEL, ())
        assert [(pod.name, pod.component, pod.ready) for pod in view.pods] == [
            (f"redis-node-{number}", "node", True) for number in range(3)
        ]
        assert [(one.name, one.wanted, one.ready) for one in view.sets] == [("redis-node", 3, 3)]
        assert [one.phase for one in view.claims] == ["Bound"] * 3
        assert len(snapshot.nodes) == len(snapshot.sentinels) == 3
        assert all("Kubernetes" in node.known_from for node in snapshot.nodes)
        assert diagnose(snapshot).verdict.id is FindingId.HEALTHY, diagnose(snapshot).verdict
        assert view.pod_of(snapshot.agreed_master.host).name == (await release.masters())[0]
        names = [f"redis-node-{number}.redis-headless.{release.namespace}.svc" for number in range(3)]
        made = connection(snapshot, hands.target)
        assert all(str((name, 26379)) in made.snippets[0].text for name in names)
        assert [one.split(":")[0] for one in made.remarks] == ["The snippet is for what runs in the Kubernetes cluster"]


async def test_the_runbooks_own_installation_has_two_sentinels_and_cannot_lose_one():
    """replica.replicaCount=2: a majority of two is both."""
    async with bitnami(build(), replicas=2) as release, hands_on(release, Kind.SENTINEL) as hands:
        found = diagnose(await hands.observe())
        trap = next(one for one in found.findings if one.id is FindingId.SENTINEL_MISCONFIGURED)
        assert "2 Sentinels" in trap.summary, trap


async def test_the_chart_of_plain_replication_and_a_promoted_replica():
    """The write Service selects master-0 for ever: where another is promoted by hand it leads the writers astray."""
    async with (
        bitnami(build(), shape="replication", replicas=2) as release,
        hands_on(release, Kind.REPLICATION) as hands,
    ):
        snapshot = await hands.observe()
        assert snapshot.kubernetes.shape is Shape.REPLICATION
        assert len(snapshot.nodes) == 3
        assert diagnose(snapshot).verdict.id is FindingId.HEALTHY, diagnose(snapshot).verdict
        service = next(one for one in snapshot.kubernetes.services if one.takes_writes)
        assert (service.name, service.pods) == ("redis-master", ("redis-master-0",))
        host, _, port = release.address("redis-replicas-0").rpartition(":")
        await release.command("redis-replicas-0", "REPLICAOF", "NO", "ONE")
        await release.command("redis-master-0", "REPLICAOF", host, port)
        found = diagnose(await hands.observe())
        astray = next(one for one in found.findings if one.id is FindingId.APP_ON_REPLICA)
        assert astray.summary.startswith(
            "Service redis-master sends writes to redis-master-0, and the master is redis-"
        )


async def test_a_pod_that_comes_back_elsewhere_is_no_node_that_is_down():
    async with (
        bitnami(build(), shape="replication", replicas=1, moving_addresses=True, pace=0.05) as release,
        hands_on(release, Kind.REPLICATION) as hands,
    ):
        before = {node.address for node in (await hands.observe()).nodes}
        core = release.cluster
        pod = next(one for one in release.pods() if one["metadata"]["name"] == "redis-replicas-0")
        uid = pod["metadata"]["uid"]
        release.cluster.kubelet  # noqa: B018
        await delete(release, "redis-replicas-0")
        await core.until(lambda: all(one["metadata"]["uid"] != uid for one in release.pods()))
        await release.ready()
        snapshot = await hands.observe()
        addresses = {node.address for node in snapshot.nodes}
        assert len(addresses) == 2
        assert len(addresses & before) == 1
        assert all(node.info for node in snapshot.nodes)


async def delete(release: Release, pod: str) -> None:
    from kubernetes import client, config

    api = config.new_client_from_config(str(release.cluster.kubeconfig()))
    await asyncio.to_thread(client.CoreV1Api(api).delete_namespaced_pod, pod, release.namespace)
    api.rest_client.pool_manager.clear()


def written(release, text, name="broken"):
    path = release.cluster.folder / name
    path.write_text(text)
    return path


async def test_what_is_wrong_with_the_settings_is_said_with_what_there_is_instead():
    async with bitnami(build(), shape="replication", replicas=0) as release:
        said = {
            "There is no release rebis in namespace orders; there are redis.": place_of(release, release="rebis"),
            "There is no namespace order; there are default, kube-system, orders.": place_of(
                release, namespace="order"
            ),
            "There is no context prod in": place_of(release, context="prod"),
            "Namespace default has no pod of a Redis chart": place_of(release, namespace="default"),
            "There is no Deployment api in namespace orders; there is none at all.": place_of(
                release, application=Application("api", "REDIS_HOST")
            ),
            "nowhere cannot be used": place_of(release, kubeconfig="nowhere"),
            "cannot be used (while parsing": place_of(release, kubeconfig=str(written(release, "a: [\n"))),
            "list cannot be used": place_of(release, kubeconfig=str(written(release, "- a\n", "list"))),
            "The Kubernetes API at http://127.0.0.1:1 does not answer": place_of(release, context="dead"),
        }
        for words, place in said.items():
            view = await seen_at(place)
            unasked = view.unasked or view.gaps[0]
            assert words in unasked.why, unasked
            assert "Connection(" not in unasked.why
        assert "there are dead, sandbox." in (await seen_at(place_of(release, context="prod"))).unasked.why


async def test_an_api_that_hangs_is_overloaded_or_does_not_know_us():
    async with bitnami(build(), shape="replication", replicas=0) as release:
        faults = release.cluster.api.faults
        faults.hang(resource="pods")
        view = await seen_at(place_of(release), timeout_s=0.5)
        assert (view.unasked.reason, view.sets[0].ready) == (Reason.TIMED_OUT, 1)
        faults.mend()
        faults.fail(503, resource="events")
        view = await seen_at(place_of(release))
        assert view.unasked is None
        assert "is not able to answer now (503): the server is currently unable" in view.gaps[0].why
        user = release.cluster.add_user("gone", (), ())
        place = place_of(release, user)
        release.cluster.access._by_token.pop(user.token)
        view = await seen_at(place)
        assert "does not know us (401): renew the token" in view.unasked.why
        assert (view.unasked.reason, view.gaps) == (Reason.NOAUTH, ())
