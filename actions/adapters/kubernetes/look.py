"""Takes a picture of a release: everything is asked at once, and what is not answered is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from actions.adapters.kubernetes.application import look_at_application
from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.failures import ApiError
from actions.adapters.kubernetes.questions import (
    CLAIMS,
    ENDPOINT_SLICES,
    EVENTS,
    NAMESPACES,
    PODS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)
from actions.kit.errors import ActionError
from actions.kit.kubernetes import parse
from actions.kit.kubernetes.place import Way
from actions.kit.kubernetes.view import ApplicationView, EventView, KubernetesView, PodView, ServiceView
from actions.kit.unasked import Reason, Unasked

T = TypeVar("T")
Slices = tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]

RECENT = timedelta(hours=1)
"""How far back events are shown: Kubernetes keeps them for an hour by default."""
MOST_EVENTS = 20
SOURCE = "Kubernetes"


async def look(client: Client) -> KubernetesView:
    """Look at the release and its application; never raises for what is not answered."""
    asked, place = _Asked(client), client.place
    if not place.release:
        view = KubernetesView(place.namespace, "", application=await _application(client))
        return replace(view, gaps=_gaps(view))
    labels = f"{parse.RELEASE}={place.release}"
    async with asyncio.TaskGroup() as tasks:
        pods = tasks.create_task(asked.all(PODS, parse.pod, labels))
        sets = tasks.create_task(asked.all(STATEFUL_SETS, parse.stateful_set, labels))
        claims = tasks.create_task(asked.all(CLAIMS, parse.claim, labels))
        services = tasks.create_task(asked.all(SERVICES, parse.service, labels))
        slices = tasks.create_task(asked.all(ENDPOINT_SLICES, parse.endpoints, labels))
        events = tasks.create_task(asked.all(EVENTS, parse.event, fields="type=Warning"))
        application = tasks.create_task(_application(client))
    found = pods.result()
    view = KubernetesView(
        place.namespace,
        place.release,
        shape=parse.shape_of(found or ()),
        pods=tuple(sorted(found or (), key=lambda pod: pod.name)),
        sets=sets.result() or (),
        claims=claims.result() or (),
        services=tuple(_with_pods(one, slices.result()) for one in services.result() or ()),
        application=application.result(),
        looking_only=place.reach is Way.EXEC,
    )
    view = replace(view, events=_recent(events.result() or (), view, datetime.now(UTC)))
    return await _with_what_is_missing(client, view, (*asked.gaps, *_gaps(view)), answered=found is not None)


class _Asked:
    """Asks for lists, and gathers what was not answered."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.gaps: list[Unasked] = []

    async def all(
        self, what: Resource, parser: Callable[[Any], T], labels: str = "", fields: str = ""
    ) -> tuple[T, ...] | None:
        """Every object of a kind; ``None`` and a gap where there was no answer."""
        return await self._or_gap(what.plural, self._parsed(what, parser, labels, fields))

    async def _parsed(self, what: Resource, parser: Callable[[Any], T], labels: str, fields: str) -> tuple[T, ...]:
        return parse.items(await self._client.list(what, labels=labels, fields=fields), parser)

    async def _or_gap(self, what: str, asking: Awaitable[T]) -> T | None:
        try:
            return await asking
        except ActionError as error:
            self.gaps.append(unasked(what, error))
            return None


def unasked(what: str, error: ActionError) -> Unasked:
    """An error as a snapshot holds it."""
    return Unasked(f"{SOURCE} {what}", error.reason if isinstance(error, ApiError) else Reason.GARBAGE, str(error))


def _gaps(view: KubernetesView) -> tuple[Unasked, ...]:
    app = view.application
    return (app.unasked,) if app is not None and app.unasked is not None else ()


async def _application(client: Client) -> ApplicationView | None:
    application = client.place.application
    if application is None:
        return None
    try:
        return await look_at_application(client, application)
    except ActionError as error:
        return ApplicationView(
            application.deployment, application.env, unasked=unasked(f"deployment {application.deployment}", error)
        )


async def _with_what_is_missing(
    client: Client, view: KubernetesView, gaps: tuple[Unasked, ...], *, answered: bool
) -> KubernetesView:
    """Where there are no pods: that nothing could be asked, or what there is instead of this release."""
    whole = None
    if not answered:
        whole = next(gap for gap in gaps if gap.source == f"{SOURCE} {PODS.plural}")
    elif not view.pods and not view.sets:
        whole = Unasked(f"{SOURCE} {PODS.plural}", Reason.REFUSED_COMMAND, await _instead(client))
    # An API server that does not answer says so to every question: that is said once.
    rest = {gap.why: gap for gap in gaps if whole is None or gap.why != whole.why}
    return replace(view, unasked=whole, gaps=tuple(rest.values()))


async def _instead(client: Client) -> str:
    """That there is no such release in the namespace, and what there is."""
    place = client.place
    try:
        labels = [parse.labels_of(one) for one in (await client.list(PODS, labels=parse.RELEASE))["items"]]
    except (ActionError, KeyError, TypeError):
        labels = []
    releases = sorted({one.get(parse.RELEASE, "") for one in labels if one.get(parse.CHART, "").startswith("redis")})
    if releases:
        return f"There is no release {place.release} in namespace {place.namespace}; there are {', '.join(releases)}."
    spaces = await _namespaces(client)
    if spaces and place.namespace not in spaces:
        return f"There is no namespace {place.namespace}; there are {', '.join(spaces)}."
    return (
        f"Namespace {place.namespace} has no pod of a Redis chart, and none of release {place.release}: look whether "
        "the namespace and the release are right (helm list --all-namespaces)."
    )


async def _namespaces(client: Client) -> tuple[str, ...]:
    """All that there are; nothing where we may not know, as with the Role in deploy/kubernetes."""
    try:
        return parse.items(await client.list(NAMESPACES), parse.name_of)
    except ActionError:
        return ()


def _with_pods(service: ServiceView, slices: Slices | None) -> ServiceView:
    if slices is None:
        return service
    mine = [one for one in slices if one[0] == service.name]
    ready = sorted({pod for _, names, _ in mine for pod in names})
    unready = sorted({pod for _, _, names in mine for pod in names})
    return replace(service, pods=tuple(ready), unready=tuple(unready))


def _recent(events: tuple[EventView, ...], view: KubernetesView, now: datetime) -> tuple[EventView, ...]:
    """The warnings about what is ours, of the last hour, the newest first."""
    app = view.application
    pods: tuple[PodView, ...] = view.pods + (app.pods if app else ())
    ours = {f"Pod {pod.name}" for pod in pods}
    ours |= {f"StatefulSet {one.name}" for one in view.sets}
    ours |= {f"PersistentVolumeClaim {one.name}" for one in view.claims}
    ours |= {f"Deployment {app.deployment}"} if app else set()
    mine = [one for one in events if one.about in ours and one.at is not None and now - one.at < RECENT]
    return tuple(sorted(mine, key=lambda one: (one.at or now, one.about), reverse=True)[:MOST_EVENTS])
