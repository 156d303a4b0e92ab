"""Rules about what Kubernetes says: are the pods well, and do writes go where the master is. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from actions.kit.diagnosis.facts import ACCESS, Facts, confident, count, no_answer
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.kubernetes.hosts import hosts_in

if TYPE_CHECKING:
    from actions.kit.kubernetes.view import ApplicationView, ContainerView, KubernetesView, PodView, ServiceView
    from actions.kit.topology import Address

RECENTLY = timedelta(hours=1)
"""A container that was killed for memory so long ago has stood the test since."""
_OVER = ("Succeeded",)


def pods_not_ready(facts: Facts) -> Iterator[Finding]:
    """A pod of the release or of its application is not ready, or was killed for want of memory within the hour.

    Also: a StatefulSet has fewer pods ready than it wants, a volume is not bound, the write Service has no pod, a
    rollout is stuck. Undetermined where Kubernetes did not answer: silence is not health.
    """
    view = facts.snapshot.kubernetes
    if view is None:
        return
    yield from _not_told(facts, view)
    trouble = tuple(_trouble(view, facts.snapshot.observed_at))
    if trouble:
        more = f", and {count(len(trouble) - 1, 'more thing')} to look at" if len(trouble) > 1 else ""
        yield Finding(
            FindingId.PODS_NOT_READY,
            Severity.WARNING,
            confident(complete=True),
            f"{trouble[0].source.removeprefix('Kubernetes ')}: {trouble[0].observation}{more}.",
            tuple(_of_unready_pods(facts, view)),
            trouble,
            facts.lines("diagnose", "events"),
        )


def app_on_replica(facts: Facts) -> Iterator[Finding]:
    """Writes go to a node that is not the master: by the write Service's endpoints, or by the application's setting.

    Only where one master is agreed on, says that it is one, and runs in a pod that is known.
    """
    view, master = facts.snapshot.kubernetes, facts.master
    if view is None or master is None or not master.is_master or master.address != facts.agreed:
        return
    home = next(filter(None, (view.pod_of(one.host) for one in (master.address, *master.also))), None)
    if home is None:
        return
    for service in view.services:
        if service.takes_writes and service.pods and home.name not in service.pods:
            yield _astray(facts, _by_service(service, home), Evidence(*_endpoints(service)), service.pods)
    if view.application is not None:
        yield from _application(facts, view.application, home)


def _not_told(facts: Facts, view: KubernetesView) -> Iterator[Finding]:
    silent = (view.unasked, *view.gaps) if view.unasked else view.gaps
    if not silent:
        return
    what = "Kubernetes did not tell us" if view.unasked else "Kubernetes did not tell us all that we ask"
    yield Finding(
        FindingId.AUTH_FAILED if all(one.reason in ACCESS for one in silent) else FindingId.KUBERNETES_SILENT,
        Severity.WARNING,
        confident(complete=False, conflict=True),
        f"{what}: {silent[0].why}",
        (),
        tuple(map(no_answer, silent)),
        facts.lines("diagnose"),
    )


def _trouble(view: KubernetesView, now: datetime) -> Iterator[Evidence]:
    app = view.application
    for pod in (*view.pods, *(app.pods if app else ())):
        said = pod_trouble(pod, now)
        if said:
            yield Evidence(f"Kubernetes pod {pod.name}", said)
    for one in view.sets:
        if one.ready < one.wanted:
            yield Evidence(f"Kubernetes StatefulSet {one.name}", f"{one.ready} of {count(one.wanted, 'pod')} ready")
    for claim in view.claims:
        if claim.phase != "Bound":
            yield Evidence(f"Kubernetes volume {claim.name}", f"{claim.phase or 'of no phase'}, not Bound")
    for service in view.services:
        if service.takes_writes and service.pods == ():
            unready = f", and {', '.join(service.unready)} is not ready" if service.unready else ""
            yield Evidence(f"Kubernetes Service {service.name}", f"has no pod that takes its writes{unready}")
    if (
        app is not None
        and app.rollout is not None
        and (app.rollout.stuck or app.rollout.available < app.rollout.wanted)
    ):
        yield Evidence(f"Kubernetes Deployment {app.deployment}", app.rollout.words)


def pod_trouble(pod: PodView, now: datetime | None) -> str:
    """What is wrong with a pod, in a few words; empty where it is well, or has done its work.

    ``now``: tells what was long ago; without it only what is so now counts.
    """
    if pod.phase in _OVER:
        return ""
    killed = [one for one in pod.containers if now is not None and _killed_lately(one, now)]
    if pod.ready and not pod.leaving:
        return "; ".join(f"container {one.name} was OOMKilled, {count(one.restarts, 'restart')}" for one in killed)
    waiting = [_waits(one) for one in pod.containers if not one.ready]
    words = [pod.reason, *waiting] if pod.phase != "Running" else waiting
    state = "is being deleted" if pod.leaving else pod.phase if pod.phase != "Running" else "not ready"
    return "; ".join(filter(None, (state, *words)))


def _waits(container: ContainerView) -> str:
    last = f"it ended with {container.last_reason}" if container.last_reason else ""
    restarts = count(container.restarts, "restart") if container.restarts else ""
    words = ", ".join(filter(None, (container.reason, last, restarts)))
    return f"container {container.name}: {words}" if words else ""


def _killed_lately(container: ContainerView, now: datetime) -> bool:
    ended = container.last_ended_at
    return container.last_reason.startswith("OOMKilled") and ended is not None and now - ended < RECENTLY


def _of_unready_pods(facts: Facts, view: KubernetesView) -> Iterator[Address]:
    for node in facts.snapshot.nodes:
        pod = view.pod_of(node.address.host)
        if pod is not None and pod_trouble(pod, facts.snapshot.observed_at):
            yield node.address


def _application(facts: Facts, app: ApplicationView, home: PodView) -> Iterator[Finding]:
    view = facts.snapshot.kubernetes
    if view is None or app.value is None or app.value.value is None:
        return
    said = Evidence(f"Kubernetes Deployment {app.deployment}", f"{app.env} is {app.value.words}")
    for host in hosts_in(app.value.value):
        pod, service = view.pod_of(host), view.service_of(host)
        if pod is not None and pod.name != home.name:
            words = f"{app.deployment} is set to {host} by {app.env}, and the master is {home.name}"
            yield _astray(facts, words, said, (pod.name,))
        elif pod is None and service is not None and service.pods and home.name not in service.pods:
            words = f"{app.deployment} is set to Service {service.name} by {app.env}, which leaves {home.name} out"
            if not service.takes_writes:  # Else it is said of the Service itself.
                yield _astray(facts, words, said, service.pods)


def _by_service(service: ServiceView, home: PodView) -> str:
    return f"Service {service.name} sends writes to {', '.join(service.pods or ())}, and the master is {home.name}"


def _endpoints(service: ServiceView) -> tuple[str, str]:
    return f"Kubernetes Service {service.name}", f"selector {service.words}; endpoints {', '.join(service.pods or ())}"


def _astray(facts: Facts, words: str, said: Evidence, pods: tuple[str, ...]) -> Finding:
    """Writes go to these pods: where that is one replica that has its link, the master's role can be moved there."""
    master = facts.agreed
    return Finding(
        FindingId.APP_ON_REPLICA,
        Severity.CRITICAL,
        confident(complete=facts.sure_of_master),
        f"{words}: what is written there is refused or lost.",
        (master,) if master else (),
        (said, Evidence(f"node {master} INFO", "role master")),
        (*_move_there(facts, pods), *facts.lines("verify", "diagnose")),
    )


def _move_there(facts: Facts, pods: tuple[str, ...]) -> Iterator[str]:
    view, master = facts.snapshot.kubernetes, facts.master
    for node in facts.others if view and master and len(pods) == 1 else ():
        pod = next(filter(None, (view.pod_of(one.host) for one in (node.address, *node.also))), None) if view else None
        if master and pod is not None and pod.name in pods:
            yield from facts.failover_lines(master, node.address)
