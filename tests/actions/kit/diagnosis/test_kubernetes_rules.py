"""What Kubernetes proves: pods that are not well, and writes that go where the master is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actions import failover, promote
from actions.kit.diagnosis import diagnose
from actions.kit.findings import Confidence, FindingId, Severity
from actions.kit.kubernetes.view import ClaimView, EnvValue, Rollout, SetView
from actions.kit.plan import Plan, Refusal
from actions.kit.snapshot import Role
from actions.kit.topology import Kind
from actions.kit.unasked import Reason, Unasked
from tests.builders import healthy, node_at, with_node
from tests.kubernetes_views import chart_of_replication, on_kubernetes, with_pod

NOW = healthy(sentinels=0).observed_at


def said(view, snapshot=None):
    return diagnose(on_kubernetes(snapshot or healthy(sentinels=0), view))


def the(view, finding, snapshot=None):
    found = [one for one in said(view, snapshot).findings if one.id is finding]
    assert len(found) == 1, found
    return found[0]


def test_a_chart_as_it_should_be_is_healthy():
    assert said(chart_of_replication()).verdict.id is FindingId.HEALTHY


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ready": False}, "pod redis-replicas-0: not ready"),
        (
            {
                "ready": False,
                "container": {
                    "ready": False,
                    "reason": "CrashLoopBackOff",
                    "restarts": 7,
                    "last_reason": "Error, exit code 1",
                },
            },
            "container redis: CrashLoopBackOff, it ended with Error, exit code 1, 7 restarts",
        ),
        (
            {"ready": False, "phase": "Pending", "ip": "", "reason": "Unschedulable: 0/3 nodes"},
            "Pending; Unschedulable: 0/3 nodes",
        ),
        ({"leaving": True}, "is being deleted"),
        (
            {"container": {"last_reason": "OOMKilled", "restarts": 1, "last_ended_at": NOW - timedelta(minutes=5)}},
            "container redis was OOMKilled, 1 restart",
        ),
    ],
)
def test_a_pod_that_is_not_well(changed, words):
    finding = the(with_pod(chart_of_replication(), 2, **changed), FindingId.PODS_NOT_READY)
    assert words in finding.summary
    assert finding.severity is Severity.WARNING


def test_a_kill_for_want_of_memory_that_is_over_is_no_finding():
    container = {"last_reason": "OOMKilled", "restarts": 1, "last_ended_at": NOW - timedelta(hours=2)}
    assert said(with_pod(chart_of_replication(), 2, container=container)).verdict.id is FindingId.HEALTHY


def test_a_job_that_has_done_its_work_is_no_finding():
    assert said(with_pod(chart_of_replication(), 2, ready=False, phase="Succeeded")).verdict.id is FindingId.HEALTHY


def test_what_else_is_not_ready():
    view = chart_of_replication()
    stuck = Rollout(2, 1, 2, 3, 2, 2, stuck="ProgressDeadlineExceeded: it is late")
    view = replace(
        view,
        sets=(SetView("redis-replicas", 3, 2),),
        claims=(ClaimView("redis-data-redis-replicas-2", "Pending"),),
        services=tuple(replace(one, pods=()) if one.name == "redis-master" else one for one in view.services),
        application=replace(view.application, rollout=stuck),
    )
    finding = the(view, FindingId.PODS_NOT_READY)
    seen = {one.source.removeprefix("Kubernetes "): one.observation for one in finding.evidence}
    assert seen == {
        "StatefulSet redis-replicas": "2 of 3 pods ready",
        "volume redis-data-redis-replicas-2": "Pending, not Bound",
        "Service redis-master": "has no pod that takes its writes",
        "Deployment api": "1 of 2 updated, 2 available, 2 of the old ones left: ProgressDeadlineExceeded: it is late",
    }
    assert "and 3 more things to look at" in finding.summary


def test_silence_is_not_health():
    """What Kubernetes does not say leaves the verdict open, whatever Redis says."""
    silent = Unasked("Kubernetes pods", Reason.NOPERM, "We may not list pods.")
    for view in (replace(chart_of_replication(), unasked=silent), replace(chart_of_replication(), gaps=(silent,))):
        finding = the(view, FindingId.AUTH_FAILED)
        assert finding.confidence is Confidence.UNDETERMINED
        assert "We may not list pods." in finding.summary
        assert not said(view).has(FindingId.HEALTHY)
        assert not said(view).has(FindingId.PODS_NOT_READY)


def test_where_the_pods_are_not_told_nothing_is_said_of_sentinels():
    """They are in pods too: what Kubernetes says is what has to be mended, and the plan is refused with that."""
    silent = Unasked("Kubernetes pods", Reason.REFUSED_COMMAND, "There is no namespace order; there is orders.")
    snapshot = replace(healthy(sentinels=0), kind=Kind.SENTINEL, nodes=())
    snapshot = replace(snapshot, kubernetes=replace(chart_of_replication(), pods=(), unasked=silent))
    diagnosis = diagnose(snapshot)
    assert diagnosis.verdict.id is FindingId.UNDETERMINED
    assert "there is orders" in diagnosis.verdict.summary
    assert diagnosis.has(FindingId.KUBERNETES_SILENT)
    for action in (failover, promote):
        refusal = action.plan(snapshot, {})
        assert isinstance(refusal, Refusal)
        assert refusal.reason == f"Kubernetes did not say which pods {snapshot.target} has: {silent.why}"


def test_a_candidate_goes_by_the_name_of_its_pod_too():
    plan = failover.plan(on_kubernetes(healthy(sentinels=0), chart_of_replication()), {"to": "redis-replicas-1"})
    assert isinstance(plan, Plan), plan
    assert plan.candidate == node_at(3)


def promoted():
    """Node 2 has been promoted, and the others follow it."""
    snapshot = healthy(sentinels=0)
    first, second, _ = snapshot.nodes
    link = replace(second.info.link, master=node_at(2))
    snapshot = with_node(snapshot, 1, role=Role.REPLICA, link=link, replicas=())
    snapshot = with_node(snapshot, 2, role=Role.MASTER, link=None, replicas=first.info.replicas)
    return with_node(snapshot, 3, link=link)


def test_the_static_service_sends_writes_to_a_replica():
    finding = the(chart_of_replication(), FindingId.APP_ON_REPLICA, promoted())
    assert finding.severity is Severity.CRITICAL
    assert finding.summary.startswith(
        "Service redis-master sends writes to redis-master-0, and the master is redis-repl"
    )
    assert finding.evidence[0].observation == "selector component=master; endpoints redis-master-0"
    assert finding.suggests == (f"failover orders --to {node_at(1)}", "verify orders", "diagnose orders")


@pytest.mark.parametrize(
    "value",
    [
        "10.0.0.1",
        "10.0.0.1:6379",
        "redis-master-0.redis-headless.aragora.svc.cluster.local",
        "redis://redis-master-0.redis-headless:6379/0",
    ],
)
def test_the_application_is_set_to_a_pod_that_is_not_the_master(value):
    view = chart_of_replication(value)
    view = replace(view, services=())
    assert "api is set to " in the(view, FindingId.APP_ON_REPLICA, promoted()).summary
    assert not said(view).has(FindingId.APP_ON_REPLICA)


def test_the_application_is_set_to_the_service_of_the_replicas():
    view = chart_of_replication("redis-replicas.aragora.svc")
    assert (
        "Service redis-replicas by REDIS_HOST, which leaves redis-master-0 out"
        in the(view, FindingId.APP_ON_REPLICA).summary
    )
    assert the(view, FindingId.APP_ON_REPLICA).suggests == ("verify orders", "diagnose orders"), "one of several pods"


@pytest.mark.parametrize(
    "value", [EnvValue(None, "Secret redis, key host"), EnvValue("elsewhere.example"), EnvValue("redis-master.other")]
)
def test_what_is_not_known_proves_nothing(value):
    view = chart_of_replication()
    view = replace(view, application=replace(view.application, value=value))
    assert said(view).verdict.id is FindingId.HEALTHY
