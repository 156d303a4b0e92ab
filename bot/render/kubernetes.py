"""What Kubernetes shows of a target, in plain lines: pods, volumes, Services, application, warnings. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from actions.kit.diagnosis.kubernetes import pod_trouble
from bot.render.words import counted, plain

if TYPE_CHECKING:
    from actions.kit.kubernetes.view import ApplicationView, EventView, KubernetesView, PodView, ServiceView
    from actions.kit.snapshot import Snapshot

MOST_PODS = 12
MOST_EVENTS = 5


def kubernetes_lines(snapshot: Snapshot) -> list[str]:
    """A line each, the head first; pods that are not well before the others. Nothing where there is no Kubernetes."""
    view = snapshot.kubernetes
    if view is None:
        return []
    return [plain(line, 200) for line in _lines(snapshot, view)]


def _lines(snapshot: Snapshot, view: KubernetesView) -> Iterator[str]:
    head = f"Kubernetes {view.namespace}/{view.release}"
    if view.unasked is not None:
        yield f"{head}: no answer"
        return
    ready = sum(pod.ready for pod in view.pods)
    yield f"{head} ({view.shape}): {ready} of {counted(len(view.pods), 'pod')} ready"
    troubles = {pod.name: pod_trouble(pod, snapshot.observed_at) for pod in view.pods}
    pods = sorted(view.pods, key=lambda pod: (not troubles[pod.name], pod.name))
    yield from (_pod(pod, troubles[pod.name]) for pod in pods[:MOST_PODS])
    if len(pods) > MOST_PODS:
        yield f"and {len(pods) - MOST_PODS} more pods"
    bound = sum(claim.phase == "Bound" for claim in view.claims)
    if view.claims:
        yield f"{bound} of {counted(len(view.claims), 'volume')} bound"
    yield from (_service(one) for one in view.services if one.takes_writes)
    if view.application is not None:
        yield from _application(view.application)
    yield from (_event(one) for one in view.events[:MOST_EVENTS])


def _pod(pod: PodView, trouble: str) -> str:
    words = [pod.component, pod.ip, f"on {pod.node}" if pod.node else "", trouble or "ready"]
    if pod.restarts and not trouble:
        last = max(pod.containers, key=lambda one: one.restarts)
        why = f", the last for {last.last_reason}" if last.last_reason else ""
        words.append(f"{counted(pod.restarts, 'restart')}{why}")
    return f"{'✗' if trouble else '✓'} {pod.name}  " + "  ".join(filter(None, words))


def _service(service: ServiceView) -> str:
    names = "not asked" if service.pods is None else ", ".join(service.pods) or "no pod"
    return f"→ Service {service.name} sends writes to {names}"


def _application(app: ApplicationView) -> Iterator[str]:
    if app.rollout is None:
        yield f"✗ Deployment {app.deployment}: no answer"
        return
    value = f"{app.env}={app.value.words}" if app.value else f"{app.env} not found"
    owner = f"  by {app.owner}" if app.owner else ""
    yield f"{'✗' if app.rollout.stuck else '✓'} Deployment {app.deployment}  {value}  {app.rollout.words}{owner}"


def _event(event: EventView) -> str:
    times = f" {event.count} times" if event.count > 1 else ""
    at = f"{event.at:%H:%M:%S} " if event.at else ""
    return f"! {at}{event.about} {event.reason}{times}: {event.message}"


def kubernetes_json(view: KubernetesView) -> dict[str, Any]:
    """What the terminal's JSON holds of it."""
    return {
        "namespace": view.namespace,
        "release": view.release,
        "shape": view.shape.value,
        "reachable": view.unasked is None,
        "pods": [_pod_json(pod) for pod in view.pods],
        "statefulsets": [{"name": one.name, "wanted": one.wanted, "ready": one.ready} for one in view.sets],
        "volumes": [{"name": one.name, "phase": one.phase} for one in view.claims],
        "services": [_service_json(one) for one in view.services],
        "application": _application_json(view.application) if view.application else None,
        "events": [_event_json(one) for one in view.events],
    }


def _pod_json(pod: PodView) -> dict[str, Any]:
    containers = [
        {"name": one.name, "ready": one.ready, "restarts": one.restarts, "reason": one.reason, "last": one.last_reason}
        for one in pod.containers
    ]
    return {
        "name": pod.name,
        "component": pod.component,
        "node": pod.node,
        "ip": pod.ip,
        "phase": pod.phase,
        "ready": pod.ready,
        "restarts": pod.restarts,
        "reason": pod.reason,
        "containers": containers,
    }


def _service_json(service: ServiceView) -> dict[str, Any]:
    return {
        "name": service.name,
        "selector": dict(service.selector),
        "takes_writes": service.takes_writes,
        "pods": None if service.pods is None else list(service.pods),
    }


def _application_json(app: ApplicationView) -> dict[str, Any]:
    rollout = app.rollout
    return {
        "deployment": app.deployment,
        "container": app.container,
        "env": app.env,
        "value": app.value.value if app.value else None,
        "value_from": app.value.source if app.value else "",
        "owner": app.owner,
        "wanted": rollout.wanted if rollout else None,
        "updated": rollout.updated if rollout else None,
        "available": rollout.available if rollout else None,
        "stuck": rollout.stuck if rollout else "",
    }


def _event_json(event: EventView) -> dict[str, Any]:
    at = event.at.isoformat() if event.at else None
    return {"at": at, "about": event.about, "reason": event.reason, "message": event.message, "count": event.count}
