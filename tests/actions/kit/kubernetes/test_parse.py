"""Objects of the Kubernetes API: whatever comes, it is read or is Garbled; and who owns one is known by its marks."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.kit.errors import Garbled
from actions.kit.kubernetes import parse

KEYS = (
    *(
        "metadata",
        "name",
        "labels",
        "annotations",
        "spec",
        "status",
        "containers",
        "containerStatuses",
        "state",
        "ports",
    ),
    *("lastState", "terminated", "waiting", "reason", "finishedAt", "conditions", "type", "containerPort", "replicas"),
    *("selector", "matchLabels", "endpoints", "addresses", "targetRef", "involvedObject", "lastTimestamp", "series"),
    *("count", "template", "env", "value", "valueFrom", "configMapKeyRef", "key", "data", "items", "clusterIP"),
    *("resources", "limits", "memory"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(("", "redis", "True", "False", "2025-01-01T00:00:00")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)
PARSERS = (
    *(parse.pod, parse.stateful_set, parse.claim, parse.service, parse.endpoints, parse.event, parse.rollout),
    *(parse.owner, parse.selector_of, parse.name_of),
    *(lambda one: parse.container_of(one, "redis", ""), lambda one: parse.config_map_value(one, "redis")),
)


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(PARSERS))
def test_whatever_comes_is_read_or_is_garbled(answer, parser):
    for ask in (parse.read, parse.items):
        with suppress(Garbled):
            ask(answer, parser)


def deployment(**metadata):
    return {"metadata": {"name": "api", **metadata}}


@pytest.mark.parametrize(
    ("marks", "owner"),
    [
        ({}, ""),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD, application shop"),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:aragora/api"}},
            "Argo CD, application shop",
        ),
        (
            {"labels": {"helm.toolkit.fluxcd.io/name": "api", "helm.toolkit.fluxcd.io/namespace": "flux"}},
            "Flux, HelmRelease flux/api",
        ),
        ({"annotations": {"meta.helm.sh/release-name": "api"}}, "Helm, release api"),
        (
            {
                "annotations": {"meta.helm.sh/release-name": "api"},
                "labels": {"argocd.argoproj.io/instance": "shop"},
            },
            "Argo CD, application shop",
        ),
    ],
)
def test_who_puts_back_what_is_changed(marks, owner):
    assert parse.read(deployment(**marks), parse.owner) == owner


def with_containers(*containers):
    return {**deployment(), "spec": {"template": {"spec": {"containers": list(containers)}}}}


def container(name, **env):
    return {"name": name, "env": [{"name": key, **value} for key, value in env.items()]}


def test_the_container_is_found_by_its_variable_and_else_it_is_said_what_there_is():
    api, proxy = container("api", HOST={"value": "redis://u:secret@redis"}), container("proxy", PORT={"value": "1"})
    name, value = parse.container_of(with_containers(api, proxy), "HOST", "")
    assert (name, value.value) == ("api", "redis://***@redis")
    both = with_containers(api, container("other", HOST={}))
    assert "Several containers" in parse.container_of(both, "HOST", "")
    assert parse.container_of(both, "HOST", "other")[0] == "other"
    assert parse.container_of(both, "HOST", "web") == "Deployment api has no container web; it has api, other."
    assert parse.container_of(with_containers(api, proxy), "REDIS", "").endswith("there are HOST, PORT.")
    source = {"valueFrom": {"secretKeyRef": {"name": "redis", "key": "host"}}}
    _, value = parse.container_of(with_containers(container("api", HOST=source)), "HOST", "")
    assert (value.value, value.source, json.loads(value.source_json)) == (
        None,
        "Secret redis, key host",
        source["valueFrom"],
    )


def test_an_event_is_told_by_its_last_time():
    seen = parse.event(
        {
            "involvedObject": {"kind": "Pod", "name": "redis-0"},
            "reason": "BackOff",
            "message": "Back-off\n restarting",
            "lastTimestamp": None,
            "eventTime": "2025-01-01T00:00:00.000000Z",
            "series": {"count": 7, "lastObservedTime": "2025-01-01T00:05:00Z"},
        }
    )
    assert (seen.about, seen.message, seen.count) == ("Pod redis-0", "Back-off restarting", 7)
    assert seen.at == datetime(2025, 1, 1, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        ("512Mi", 512 * 2**20),
        ("1.5Gi", 1_536 * 2**20),
        ("128974848", 128_974_848),
        ("1G", 10**9),
        (None, None),
        ("lots", None),
        ("1Qi", None),
    ],
)
def test_the_memory_limit_of_a_container(limit, size):
    resources = {"resources": {"limits": {"memory": limit}}} if limit else {}
    spec = {"containers": [{"name": "redis", "ports": [{"containerPort": 6379}], **resources}]}
    pod = parse.pod({"metadata": {"name": "redis-0"}, "spec": spec})

    assert pod.memory_limit(6379) == size
    assert pod.memory_limit(26379) is None
