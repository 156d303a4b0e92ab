"""The API server as the official client sees it: objects, versions, watches, pages, refusals, rights and faults."""

import asyncio
import json

import aiohttp
import pytest
from kubernetes import client, config, watch
from kubernetes.aio import client as aio_client
from kubernetes.aio import config as aio_config
from kubernetes.client import ApiException
from urllib3.exceptions import MaxRetryError

from sandbox.kubernetes import Rule
from sandbox.kubernetes.api.resources import CONFIG_MAPS
from tests.sandbox.kubernetes.conftest import connected, in_thread

NAMESPACE = "orders"


def config_map(name, labels=None, **data):
    return {
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels or {}},
        "data": data,
    }


def refusal(error):
    status = json.loads(error.value.body)
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", error.value.status)
    return status


async def test_objects_come_and_change_and_go(cluster, core):
    cluster.apply([config_map("one", colour="blue")])
    made = await in_thread(core.read_namespaced_config_map, "one", NAMESPACE)
    assert (made.data, made.metadata.namespace) == ({"colour": "blue"}, NAMESPACE)
    made.data = {"colour": "red"}
    changed = await in_thread(core.replace_namespaced_config_map, "one", NAMESPACE, made)
    assert changed.data == {"colour": "red"}
    assert int(changed.metadata.resource_version) > int(made.metadata.resource_version)
    with pytest.raises(ApiException) as stale:
        await in_thread(core.replace_namespaced_config_map, "one", NAMESPACE, made)
    assert refusal(stale)["reason"] == "Conflict"
    assert "the object has been modified" in refusal(stale)["message"]
    await in_thread(core.delete_namespaced_config_map, "one", NAMESPACE)
    with pytest.raises(ApiException) as gone:
        await in_thread(core.read_namespaced_config_map, "one", NAMESPACE)
    assert refusal(gone)["message"] == 'configmaps "one" not found'


async def test_what_cannot_be_created_is_refused_as_kubernetes_does(cluster, core, apps):
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="one"))
    with pytest.raises(ApiException) as nowhere:
        await in_thread(core.create_namespaced_config_map, "nowhere", body)
    assert refusal(nowhere)["message"] == 'namespaces "nowhere" not found'
    await in_thread(core.create_namespaced_config_map, "default", body, dry_run="All")
    await in_thread(core.create_namespaced_config_map, "default", body)
    with pytest.raises(ApiException) as twice:
        await in_thread(core.create_namespaced_config_map, "default", body)
    assert (twice.value.status, refusal(twice)["reason"]) == (409, "AlreadyExists")
    deployment = {
        "metadata": {"name": "api"},
        "spec": {
            "selector": {"matchLabels": {"app": "api"}},
            "template": {"metadata": {"labels": {"app": "other"}}, "spec": {"containers": [{"name": "api"}]}},
        },
    }
    with pytest.raises(ApiException) as invalid:
        await in_thread(apps.create_namespaced_deployment, "default", deployment)
    assert (invalid.value.status, refusal(invalid)["reason"]) == (422, "Invalid")
    assert 'Deployment.apps "api" is invalid' in refusal(invalid)["message"]
    assert "spec.template.spec.containers[0].image: Required value" in refusal(invalid)["message"]
    assert "`selector` does not match template `labels`" in refusal(invalid)["message"]


async def test_lists_come_in_pages_and_by_selectors(cluster, core):
    cluster.apply(config_map(f"map-{number}", {"half": "ab"[number % 2]}) for number in range(5))
    listed = await in_thread(core.list_namespaced_config_map, NAMESPACE, label_selector="half=a")
    assert [one.metadata.name for one in listed.items] == ["map-0", "map-2", "map-4"]
    everywhere = await in_thread(core.list_config_map_for_all_namespaces, field_selector="metadata.name=map-3")
    assert [one.metadata.name for one in everywhere.items] == ["map-3"]
    first = await in_thread(core.list_namespaced_config_map, NAMESPACE, limit=3)
    assert (len(first.items), first.metadata.remaining_item_count) == (3, 2)
    token = first.metadata._continue
    rest = await in_thread(core.list_namespaced_config_map, NAMESPACE, limit=3, _continue=token)
    assert [one.metadata.name for one in rest.items] == ["map-3", "map-4"]
    assert rest.metadata._continue is None
    cluster.apply([config_map("later")])
    cluster.store.forget()
    with pytest.raises(ApiException) as late:
        await in_thread(core.list_namespaced_config_map, NAMESPACE, limit=3, _continue=token)
    assert (late.value.status, refusal(late)["reason"]) == (410, "Expired")
    assert (await in_thread(core.list_namespaced_config_map, "wrong")).items == []


async def test_a_watch_sees_what_enters_and_leaves_its_selection(cluster, core):
    cluster.apply([config_map("one", {"seen": "yes"})])
    version = (await in_thread(core.list_namespaced_config_map, NAMESPACE)).metadata.resource_version

    def seen():
        found = []
        chosen = {"label_selector": "seen=yes", "resource_version": version, "timeout_seconds": 20}
        for event in watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, **chosen):
            found.append((event["type"], event["object"].metadata.name))
            if len(found) == 4:
                return found
        return found

    watching = asyncio.create_task(in_thread(seen))
    await cluster.until(lambda: ("watch", "configmaps") in cluster.api.requests)
    cluster.apply([config_map("two", {"seen": "yes"}), config_map("three", {"seen": "no"})])
    one = cluster.get(CONFIG_MAPS, NAMESPACE, "one")
    cluster.store.change(CONFIG_MAPS, one, lambda thing: thing.update(data={"a": "b"}))
    three = cluster.get(CONFIG_MAPS, NAMESPACE, "three")
    cluster.store.change(CONFIG_MAPS, three, lambda thing: thing["metadata"]["labels"].update(seen="yes"))
    cluster.store.change(CONFIG_MAPS, one, lambda thing: thing["metadata"].update(labels={}))
    expected = [("ADDED", "two"), ("MODIFIED", "one"), ("ADDED", "three"), ("DELETED", "one")]
    assert await watching == expected


async def test_a_watch_gets_bookmarks_and_is_told_when_it_comes_too_late(cluster, core):
    old = cluster.store.version
    cluster.apply([config_map("one")])
    cluster.store.forget()
    headers = {"Authorization": f"Bearer {cluster.access.admin.token}"}
    url = f"{cluster.api.url}/api/v1/configmaps"
    async with aiohttp.ClientSession(headers=headers) as session:
        asked = {"watch": "true", "resourceVersion": str(old)}
        async with session.get(url, params=asked) as answer:
            error = json.loads(await answer.content.readline())
        assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
        cluster.api._bookmark_s = 0.05
        asked = {"watch": "1", "resourceVersion": str(cluster.store.version), "allowWatchBookmarks": "true"}
        async with session.get(url, params=asked) as answer:
            bookmark = json.loads(await answer.content.readline())
        assert bookmark["type"] == "BOOKMARK"
        assert bookmark["object"]["metadata"]["resourceVersion"] == str(cluster.store.version)


async def test_who_may_not_is_told_so_in_kubernetes_own_words(cluster):
    name = "system:serviceaccount:chatops:tandem"
    reader = cluster.add_user(name, [Rule(("get", "list"), ("pods",))], [NAMESPACE])
    with connected(cluster, reader) as api:
        core = client.CoreV1Api(api)
        assert (await in_thread(core.list_namespaced_pod, NAMESPACE)).items == []
        with pytest.raises(ApiException) as elsewhere:
            await in_thread(core.list_namespaced_pod, "default")
        assert elsewhere.value.status == 403
        assert refusal(elsewhere)["message"] == (
            f'pods is forbidden: User "{name}" cannot list resource "pods" in API group "" in the namespace "default"'
        )
        with pytest.raises(ApiException) as everywhere:
            await in_thread(core.list_pod_for_all_namespaces)
        assert refusal(everywhere)["message"].endswith('in API group "" at the cluster scope')
        with pytest.raises(ApiException) as apps:
            await in_thread(client.AppsV1Api(api).patch_namespaced_deployment, "api", NAMESPACE, {})
        assert refusal(apps)["message"] == (
            f'deployments.apps "api" is forbidden: User "{name}" cannot patch resource "deployments" '
            f'in API group "apps" in the namespace "{NAMESPACE}"'
        )
        for verb, allowed in (("list", True), ("delete", False)):
            wanted = client.V1ResourceAttributes(verb=verb, resource="pods", namespace=NAMESPACE, group="")
            spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=wanted)
            review = client.V1SelfSubjectAccessReview(spec=spec)
            answer = await in_thread(client.AuthorizationV1Api(api).create_self_subject_access_review, review)
            assert answer.status.allowed is allowed
        reader.denied.add(("list", "pods"))
        with pytest.raises(ApiException):
            await in_thread(core.list_namespaced_pod, NAMESPACE)


async def test_an_unknown_token_and_a_dead_server_and_a_context_that_is_not_there(cluster):
    stranger = cluster.add_user("stranger", [], [])
    path = cluster.kubeconfig(stranger)
    path.write_text(path.read_text().replace(stranger.token, "of-yesterday"))
    api = config.new_client_from_config(str(path))
    with pytest.raises(ApiException) as unknown:
        await in_thread(client.CoreV1Api(api).list_namespaced_pod, NAMESPACE)
    assert (unknown.value.status, refusal(unknown)["message"]) == (401, "Unauthorized")
    api.rest_client.pool_manager.clear()
    dead = config.new_client_from_config(str(cluster.kubeconfig()), context="dead")
    dead.configuration.retries = False
    with pytest.raises(MaxRetryError):
        await in_thread(client.CoreV1Api(dead).list_namespaced_pod, NAMESPACE)
    with pytest.raises(config.ConfigException, match="nowhere"):
        config.new_client_from_config(str(cluster.kubeconfig()), context="nowhere")


async def test_the_asyncio_client_and_discovery(cluster):
    settings = aio_client.Configuration()
    await aio_config.load_kube_config(config_file=str(cluster.kubeconfig()), client_configuration=settings)
    async with aio_client.ApiClient(settings) as api:
        assert (await aio_client.VersionApi(api).get_code()).git_version == "v1.36.2"
        assert {group.name for group in (await aio_client.ApisApi(api).get_api_versions()).groups} >= {"apps"}
        listed = await aio_client.AppsV1Api(api).get_api_resources()
        assert {"deployments", "deployments/scale", "statefulsets"} <= {one.name for one in listed.resources}
        namespaces = await aio_client.CoreV1Api(api).list_namespace()
        assert {one.metadata.name for one in namespaces.items} == {"default", "kube-system"}


async def test_the_server_fails_is_slow_and_is_away_when_asked_to(cluster, core):
    cluster.api.faults.fail(503, verb="list", resource="pods")
    with pytest.raises(ApiException) as failed:
        await in_thread(core.list_namespaced_pod, NAMESPACE)
    assert refusal(failed)["reason"] == "ServiceUnavailable"
    await in_thread(core.list_namespaced_pod, NAMESPACE)
    cluster.api.faults.hang(verb="list")
    with pytest.raises(MaxRetryError, match="Read timed out"):
        await in_thread(core.list_namespaced_pod, NAMESPACE, _request_timeout=0.2)
    cluster.api.faults.mend()
    await cluster.api.switch_off()
    with pytest.raises(MaxRetryError, match="Connection"):
        await in_thread(core.list_namespaced_pod, NAMESPACE)
    await cluster.api.switch_on()
    await in_thread(core.list_namespaced_pod, NAMESPACE)
