"""Whether Kubernetes and the application are as they should be after a failover. No I/O here but through Hands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from actions.kit.diagnosis.kubernetes import pod_trouble
from actions.kit.errors import ActionError
from actions.kit.kubernetes.hosts import hosts_in
from actions.kit.kubernetes.logs import LogSearch
from actions.kit.kubernetes.view import ApplicationView, KubernetesView, PodView
from actions.kit.ports import Hands
from actions.kit.proof import Check
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address

SETTLED = timedelta(seconds=10)
"""Errors right after a failover are over by then."""


def prove_places(snapshot: Snapshot, master: Address | None) -> Iterator[Check]:
    """The pods are ready; the write Service and the application's setting lead to the master, where there is one."""
    view = snapshot.kubernetes
    if view is None:
        return
    silent = (view.unasked, *view.gaps) if view.unasked else view.gaps
    if silent:
        said = "; ".join(one.why for one in silent)
        yield Check("Kubernetes tells all that it is asked", ok=False, observation=said)
    if view.pods:
        yield _pods_ready(view, snapshot.observed_at)
    if master is None:
        return
    node = snapshot.node(master)
    addresses = (master, *node.also) if node else (master,)
    home = next(filter(None, (view.pod_of(one.host) for one in addresses)), None)
    if home is not None:
        yield from _services(view, home)
        yield from _setting(view, home)


async def prove_application(hands: Hands, snapshot: Snapshot, since: datetime, *, settled: bool) -> tuple[Check, ...]:
    """The application's health URL answers, and its log tells of no trouble with Redis.

    Args:
        hands: on the target.
        snapshot: of it.
        since: from when on the log is searched.
        settled: no trouble at all is to be found since then; else none that is recent.
    """
    app = snapshot.kubernetes.application if snapshot.kubernetes else None
    if app is None:
        return ()
    return (*await _healthy(hands, app), await _quiet(hands, app, snapshot.observed_at, since, settled=settled))


def _pods_ready(view: KubernetesView, now: datetime) -> Check:
    troubles = [f"{pod.name}: {said}" for pod in view.pods if (said := pod_trouble(pod, now))]
    wanted = max(len(view.pods), sum(one.wanted for one in view.sets))
    short = len(view.pods) < wanted
    seen = "; ".join(troubles) or f"{len(view.pods)} of {wanted} are there"
    return Check(f"all pods of {view.release} are ready", ok=not troubles and not short, observation=seen)


def _services(view: KubernetesView, home: PodView) -> Iterator[Check]:
    for service in view.services:
        if service.takes_writes:
            leads = f"selector {service.words}, endpoints {', '.join(service.pods or ()) or 'none'}"
            title = f"Service {service.name} leads to {home.name} only"
            yield Check(title, ok=service.pods == (home.name,), observation=leads)


def _setting(view: KubernetesView, home: PodView) -> Iterator[Check]:
    """Only where the setting names what is known here: anything else proves nothing."""
    app = view.application
    if app is None or app.value is None or app.value.value is None:
        return
    for host in hosts_in(app.value.value):
        pod, service = view.pod_of(host), view.service_of(host)
        if pod is None and service is None:
            continue
        ok = pod.name == home.name if pod is not None else home.name in ((service.pods if service else None) or ())
        yield Check(f"{app.env} of {app.deployment} leads to {home.name}", ok=ok, observation=app.value.words)


async def _healthy(hands: Hands, app: ApplicationView) -> tuple[Check, ...]:
    title = f"{app.deployment} is rolled out"
    rolled = app.rollout
    seen = rolled.words if rolled else app.unasked.why if app.unasked else "not told"
    checks = (Check(title, ok=rolled is not None and rolled.done, observation=seen),)
    try:
        answer = await hands.kubernetes.health()
    except ActionError as error:
        return (*checks, Check(f"the health URL of {app.deployment} answers", ok=False, observation=str(error)))
    if answer is None:
        return checks
    said = f"HTTP {answer.status} in {answer.took_ms:.0f} ms"
    return (*checks, Check(f"the health URL of {app.deployment} answers", ok=answer.well, observation=said))


async def _quiet(hands: Hands, app: ApplicationView, now: datetime, since: datetime, *, settled: bool) -> Check:
    title = f"the log of {app.deployment} tells of no trouble with Redis"
    try:
        found = await hands.kubernetes.search_logs(since)
    except ActionError as error:
        return Check(title, ok=False, observation=str(error))
    recent = bool(found.counts) and (settled or found.last is None or now - found.last < SETTLED)
    return Check(title, ok=not recent and not found.unread, observation=_told(found, now, since))


def _told(found: LogSearch, now: datetime, since: datetime) -> str:
    unread = f"; not read: {'; '.join(found.unread)}" if found.unread else ""
    span = f"in the log of {found.pods} pods since {since:%H:%M:%S}"
    if not found.counts:
        return f"nothing {span}{unread}"
    ago = f", the last {max(0, (now - found.last).total_seconds()):.0f} s ago" if found.last else ""
    return f"{found.words} {span}{ago}{unread}"
