"""The Role in deploy/kubernetes: everything that is asked is in it, nothing else is, and what is missing is named."""

from pathlib import Path

import pytest
import yaml

from sandbox.kubernetes import bitnami
from sandbox.redis import build
from tests.actions.adapters.kubernetes.test_look import place_of, seen_at

pytestmark = pytest.mark.servers

ROLE, BINDING = yaml.safe_load_all((Path(__file__).parents[4] / "deploy/kubernetes/role.yaml").read_text())
LOOKS = {"pods", "services", "persistentvolumeclaims", "events", "statefulsets", "endpointslices"}


def rights() -> set[tuple[str, str]]:
    return {(verb, one) for rule in ROLE["rules"] for one in rule["resources"] for verb in rule["verbs"]}


def test_the_role_is_bound_to_the_account_that_tandem_runs_as():
    assert BINDING["roleRef"]["name"] == ROLE["metadata"]["name"]
    account, deployment = yaml.safe_load_all((Path(__file__).parents[4] / "deploy/kubernetes/tandem.yaml").read_text())
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
