"""Selectors and patches mean what they mean on a real API server."""

import pytest

from sandbox.kubernetes.api.errors import Refused
from sandbox.kubernetes.api.patches import patched
from sandbox.kubernetes.api.resources import EVENTS, PODS
from sandbox.kubernetes.api.selectors import by_fields, by_labels

POD = {
    "metadata": {"name": "redis-0", "namespace": "orders", "labels": {"app": "redis", "role": "master"}},
    "spec": {"nodeName": "node-1"},
    "status": {"phase": "Running"},
}
STRATEGIC, MERGE = "application/strategic-merge-patch+json", "application/merge-patch+json"
JSON = "application/json-patch+json"


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=redis,role==master", True),
        ("app=redis,role=replica", False),
        ("role!=replica", True),
        ("tier!=cache", True),
        ("role in (master, replica),app", True),
        ("role notin (master)", False),
        ("!tier", True),
        ("!app", False),
    ],
)
def test_label_selectors(selector, matches):
    assert by_labels(selector)(POD) is matches


def test_a_label_selector_that_cannot_be_read_is_refused():
    with pytest.raises(Refused, match="unable to parse requirement") as refused:
        by_labels("app in redis")
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("metadata.name=redis-0,status.phase=Running", True),
        ("status.phase!=Running", False),
        ("spec.nodeName=node-2", False),
    ],
)
def test_field_selectors(selector, matches):
    assert by_fields(selector, PODS)(POD) is matches


def test_only_some_fields_can_be_selected_by():
    with pytest.raises(Refused, match=r"field label not supported: spec\.hostname"):
        by_fields("spec.hostname=a", PODS)
    event = {"metadata": {}, "involvedObject": {"name": "redis-0"}, "source": {"component": "kubelet"}}
    assert by_fields("involvedObject.name=redis-0,source=kubelet", EVENTS)(event)


CONTAINERS = {
    "spec": {
        "containers": [
            {
                "name": "api",
                "image": "api:1",
                "env": [{"name": "REDIS_HOST", "value": "a"}, {"name": "X", "value": "1"}],
            },
            {"name": "proxy", "image": "proxy:1", "args": ["a", "b"]},
        ]
    }
}


def test_a_strategic_merge_patch_finds_containers_and_variables_by_name():
    change = {"name": "api", "env": [{"name": "REDIS_HOST", "value": "b"}, {"name": "NEW", "value": "2"}]}
    api, proxy = patched(CONTAINERS, {"spec": {"containers": [change]}}, STRATEGIC)["spec"]["containers"]
    assert [(one["name"], one["value"]) for one in api["env"]] == [("REDIS_HOST", "b"), ("X", "1"), ("NEW", "2")]
    assert api["image"] == "api:1"
    assert proxy == CONTAINERS["spec"]["containers"][1]


def test_a_strategic_merge_patch_can_delete_and_replace():
    change = {
        "spec": {
            "containers": [
                {"name": "api", "env": [{"name": "X", "$patch": "delete"}]},
                {"name": "proxy", "args": ["c"], "$setElementOrder/env": [{"name": "X"}]},
            ]
        }
    }
    api, proxy = patched(CONTAINERS, change, STRATEGIC)["spec"]["containers"]
    assert [one["name"] for one in api["env"]] == ["REDIS_HOST"]
    assert proxy["args"] == ["c"]
    whole = {"spec": {"containers": [{"$patch": "replace"}, {"name": "only", "image": "one"}]}}
    assert patched(CONTAINERS, whole, STRATEGIC)["spec"]["containers"] == [{"name": "only", "image": "one"}]


def test_a_merge_patch_replaces_lists_and_removes_by_null():
    change = {"metadata": {"labels": {"role": None, "tier": "cache"}}, "spec": {"containers": []}}
    changed = patched({**POD, **CONTAINERS}, change, MERGE)
    assert changed["metadata"]["labels"] == {"app": "redis", "tier": "cache"}
    assert changed["spec"]["containers"] == []
    assert POD["metadata"]["labels"] == {"app": "redis", "role": "master"}


def test_a_json_patch_does_its_operations_in_order():
    operations = [
        {"op": "test", "path": "/metadata/name", "value": "redis-0"},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/example.com~1why", "value": "because"},
        {"op": "replace", "path": "/metadata/labels/role", "value": "replica"},
        {"op": "remove", "path": "/metadata/labels/app"},
        {"op": "copy", "from": "/metadata/labels/role", "path": "/metadata/labels/was"},
        {"op": "move", "from": "/metadata/labels/was", "path": "/metadata/labels/is"},
    ]
    changed = patched(POD, operations, JSON)
    assert changed["metadata"]["annotations"] == {"example.com/why": "because"}
    assert changed["metadata"]["labels"] == {"role": "replica", "is": "replica"}
    with pytest.raises(Refused, match="testing value failed") as refused:
        patched(POD, [{"op": "test", "path": "/metadata/name", "value": "redis-1"}], JSON)
    assert refused.value.code == 422


def test_another_kind_of_patch_is_refused():
    with pytest.raises(Refused, match="unknown format") as refused:
        patched(POD, {}, "application/yaml")
    assert refused.value.code == 415
