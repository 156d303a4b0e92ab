"""The Role in deploy/kubernetes: everything that is asked is in it, nothing else is, and what is missing is named."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.adapters.kubernetes import KubernetesRelease
from actions.adapters.kubernetes.watching import pod_changes
from actions.kit.kubernetes import place
from actions.kit.kubernetes.place import Way
from actions.kit.topology import Kind
from sandbox.kubernetes import Application, bitnami, deploy
from sandbox.kubernetes.api.resources import DEPLOYMENTS
from sandbox.redis import build
from tests.actions.adapters.kubernetes.test_look import hands_on, place_of, seen_at

pytestmark = pytest.mark.servers

DEPLOY = Path(__file__).parents[4] / "deploy/kubernetes"
ROLE, BINDING = yaml.safe_load_all((DEPLOY / "role.yaml").read_text())
OUTSIDE = yaml.safe_load((DEPLOY / "role-outside.yaml").read_text())
LOOKS = {"pods", "services", "persistentvolumeclaims", "events", "statefulsets", "endpointslices"}


def rights(role: Any = ROLE) -> set[tuple[str, str]]:
    return {(verb, one) for rule in role["rules"] for one in rule["resources"] for verb in rule["verbs"]}


def test_the_role_is_bound_to_the_account_that_tandem_runs_as():
    assert BINDING["roleRef"]["name"] == ROLE["metadata"]["name"]
    account, deployment = yaml.safe_load_all((DEPLOY / "tandem.yaml").read_text())
    assert BINDING["subjects"] == [
        {"kind": "ServiceAccount", "name": account["metadata"]["name"], "namespace": "tandem"}
    ]
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == account["metadata"]["name"]
    assert not any("*" in rule["verbs"] or "*" in rule["resources"] for rule in ROLE["rules"])
    assert not any("secrets" in rule["resources"] for rule in ROLE["rules"])


async def test_a_look_is_allowed_and_each_right_that_is_missing_is_named():
    async with bitnami(build(), shape="replication", replicas=0) as release:
        user = release.cluster.add_user("system:serviceaccount:tandem:tandem", ROLE["rules"], [release.namespace])
        place = place_of(release, user)
        view = await seen_at(place)
        assert (view.unasked, view.gaps) == (None, ())
        for resource in LOOKS:
            user.denied = {("list", resource)}
            view = await seen_at(place)
            (gap,) = (view.unasked,) if view.unasked else view.gaps
            assert gap.why.startswith(f"We may not list {resource} ({resource} in namespace orders). Add to the Role: ")
            rule = yaml.safe_load(gap.why.partition("Add to the Role: ")[2])
            assert any(
                rule["apiGroups"] == one["apiGroups"] and resource in one["resources"] and "list" in one["verbs"]
                for one in ROLE["rules"]
            )
        asked = {one for one in release.cluster.api.requests if one != ("list", "namespaces")}
        assert asked == {("list", resource) for resource in LOOKS} <= rights()


async def test_nothing_is_in_the_role_that_is_not_used_and_nothing_used_that_is_not_in_it():
    """Everything that Tandem ever asks, once, with these rights only."""
    async with bitnami(build(), shape="replication", replicas=0) as release:
        cluster, space = release.cluster, release.namespace
        reference = {"name": "shop", "key": "redis"}
        cluster.apply(
            [{"kind": "ConfigMap", "metadata": {"name": "shop", "namespace": space}, "data": {"redis": "redis-master"}}]
        )
        deployed = deploy(release, Application(redis_host="redis-master", replicas=1))
        cluster.store.change(
            DEPLOYMENTS,
            deployed.deployment(),
            lambda one: one["spec"]["template"]["spec"]["containers"][0]["env"].insert(
                0, {"name": "REDIS_ADDRESS", "valueFrom": {"configMapKeyRef": reference}}
            ),
        )
        await deployed.rolled_out()
        user = cluster.add_user("system:serviceaccount:tandem:tandem", ROLE["rules"], [space])
        cluster.api.requests.clear()
        app = place.Application("orders-api", "REDIS_ADDRESS")
        asked = KubernetesRelease(place_of(release, user, application=app))
        missing = KubernetesRelease(place_of(release, user, application=place.Application("api", "REDIS_ADDRESS")))
        try:
            view = await asked.look()
            assert (view.unasked, view.gaps) == (None, ())
            assert view.application.value.words == "redis-master (from ConfigMap shop, key redis)"
            assert "there are orders-api" in (await missing.look()).gaps[0].why
            found = await asked.search_logs(datetime.now(UTC) - timedelta(minutes=5))
            assert (found.pods, found.unread) == (1, ())
            old = await asked.variables()
            name, text = "orders-api/REDIS_ADDRESS", '{"value": "10.0.0.9"}'
            await asked.set_variables({name: text})
            assert await asked.variables() == {name: text}
            await asked.set_variables(old)
            assert await asked.variables() == old
            async with aclosing(pod_changes(place_of(release, user), ["redis"])) as changes:
                assert (await anext(changes)).listed
                following = asyncio.ensure_future(anext(changes))
                await cluster.until(lambda: ("watch", "pods") in cluster.api.requests)
                following.cancel()
                await asyncio.wait({following})
        finally:
            await asked.aclose()
            await missing.aclose()
        assert set(cluster.api.requests) == rights()


async def test_from_outside_two_rights_more_are_used():
    async with bitnami(build(), shape="replication", replicas=0) as release:
        rules = [*ROLE["rules"], *OUTSIDE["rules"]]
        user = release.cluster.add_user("somebody", rules, [release.namespace])
        for way in (Way.PORT_FORWARD, Way.EXEC):
            async with hands_on(release, Kind.REPLICATION, user, reach=way) as hands:
                (node,) = (await hands.observe()).nodes
                assert node.info is not None, node.unasked
        for resource in ("pods/exec", "pods/portforward"):
            assert {("get", resource), ("create", resource)} <= rights(OUTSIDE)
            assert ("get", resource) in release.cluster.api.requests
        assert {resource for _, resource in rights(OUTSIDE)} == {"pods/exec", "pods/portforward"}
