"""Reads what the Kubernetes API answers, each kind of object in one function. Whatever comes, it parses or is Garbled.

Objects are the JSON of the API server. It leaves out what is zero, so that a number that is not there is 0.
No I/O here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from actions.kit.errors import Garbled
from actions.kit.kubernetes.hosts import without_password
from actions.kit.kubernetes.view import (
    ClaimView,
    ContainerView,
    EnvValue,
    EventView,
    PodView,
    Rollout,
    ServiceView,
    SetView,
    Shape,
)

T = TypeVar("T")
Json = Mapping[str, Any]

COMPONENT = "app.kubernetes.io/component"
CHART = "app.kubernetes.io/name"
RELEASE = "app.kubernetes.io/instance"
_SERVICE = "kubernetes.io/service-name"
_ARGO_LABEL, _ARGO_TRACKING = "argocd.argoproj.io/instance", "argocd.argoproj.io/tracking-id"
_FLUX = ("kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io")
_HELM = "meta.helm.sh/release-name"
MOST = 300
"""Messages are cut to so many characters."""


def items(answer: object, parse: Callable[[Json], T]) -> tuple[T, ...]:
    """Each object of a list, read.

    Raises:
        Garbled: it is no list of such objects.
    """
    return read(answer, lambda one: tuple(parse(item) for item in one.get("items") or ()))


def read(answer: object, parse: Callable[[Json], T]) -> T:
    """One object, read.

    Raises:
        Garbled: it is not such an object.
    """
    if not isinstance(answer, Mapping):
        raise Garbled("the Kubernetes API did not answer with an object")
    try:
        return parse(answer)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Garbled(f"the Kubernetes API answered with an object that has no usable {error}"[:MOST]) from error


def name_of(one: Json) -> str:
    """Its name."""
    return str(one["metadata"]["name"])


def labels_of(one: Json) -> Mapping[str, str]:
    """Its labels."""
    return one["metadata"].get("labels") or {}


def pod(one: Json) -> PodView:
    """A Pod."""
    status, spec, labels = one.get("status") or {}, one.get("spec") or {}, labels_of(one)
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled") or {}
    waits = "" if scheduled.get("status") != "False" else f"{scheduled.get('reason')}: {scheduled.get('message', '')}"
    gone = ": ".join(filter(None, (status.get("reason"), status.get("message"))))
    said = {each["name"]: each for each in status.get("containerStatuses") or ()}
    return PodView(
        name=name_of(one),
        component=labels.get(COMPONENT, ""),
        chart=labels.get(CHART, ""),
        subdomain=spec.get("subdomain") or "",
        node=spec.get("nodeName") or "",
        ip=status.get("podIP") or "",
        phase=status.get("phase") or "",
        ready=(conditions.get("Ready") or {}).get("status") == "True",
        leaving="deletionTimestamp" in one["metadata"],
        reason=(gone or waits)[:MOST],
        containers=tuple(_container(each, said.get(each["name"]) or {}) for each in spec.get("containers") or ()),
    )


def _container(spec: Json, said: Json) -> ContainerView:
    state, last = said.get("state") or {}, (said.get("lastState") or {}).get("terminated") or {}
    now = state.get("waiting") or state.get("terminated") or {}
    return ContainerView(
        name=str(spec["name"]),
        ready=bool(said.get("ready")),
        restarts=int(said.get("restartCount") or 0),
        reason=str(now.get("reason") or ""),
        last_reason=_ended(last),
        last_ended_at=_time(last.get("finishedAt")),
        ports=tuple((str(each.get("name") or ""), int(each["containerPort"])) for each in spec.get("ports") or ()),
        memory_limit=_bytes(((spec.get("resources") or {}).get("limits") or {}).get("memory")),
    )


_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def _bytes(quantity: object) -> int | None:
    """``512Mi``; ``None`` where none is set, or one that nobody writes for memory."""
    found = re.fullmatch(r"([0-9]{1,15})(\.[0-9]{1,3})?([A-Za-z]{0,2})", str(quantity), re.ASCII)
    unit = _UNITS.get(found.group(3)) if found else None
    return int(float(found.group(1) + (found.group(2) or "")) * unit) if found and unit else None


def _ended(last: Json) -> str:
    """``OOMKilled``, ``Error, exit code 1``; empty where it never ended."""
    reason, code = str(last.get("reason") or ""), last.get("exitCode")
    return f"{reason}, exit code {code}" if reason and code and reason != "OOMKilled" else reason


def stateful_set(one: Json) -> SetView:
    """A StatefulSet."""
    wanted = one["spec"].get("replicas")
    return SetView(name_of(one), 1 if wanted is None else int(wanted), int(_status(one).get("readyReplicas") or 0))


def claim(one: Json) -> ClaimView:
    """A PersistentVolumeClaim."""
    return ClaimView(name_of(one), str(_status(one).get("phase") or ""))


def service(one: Json) -> ServiceView:
    """A Service; its pods are in its EndpointSlices."""
    spec = one["spec"]
    return ServiceView(
        name_of(one),
        component=labels_of(one).get(COMPONENT, ""),
        headless=spec.get("clusterIP") == "None",
        selector=tuple(sorted((spec.get("selector") or {}).items())),
    )


def endpoints(one: Json) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Of an EndpointSlice: its Service, the pods that get traffic, and those that do not."""
    ready: list[str] = []
    unready: list[str] = []
    for each in one.get("endpoints") or ():
        name = (each.get("targetRef") or {}).get("name") or ", ".join(each["addresses"])
        serves = (each.get("conditions") or {}).get("ready") is not False  # Not said counts as ready.
        (ready if serves else unready).append(str(name))
    return str(labels_of(one).get(_SERVICE, "")), tuple(ready), tuple(unready)


def event(one: Json) -> EventView:
    """An Event."""
    about, series = one.get("involvedObject") or {}, one.get("series") or {}
    times = (series.get("lastObservedTime"), one.get("lastTimestamp"), one.get("eventTime"))
    return EventView(
        about=f"{about.get('kind', '')} {about.get('name', '')}".strip(),
        reason=str(one.get("reason") or ""),
        message=" ".join(str(one.get("message") or "").split())[:MOST],
        count=int(series.get("count") or one.get("count") or 1),
        at=next(filter(None, map(_time, times)), None),
    )


def rollout(deployment: Json) -> Rollout:
    """How far a Deployment is."""
    status, wanted = _status(deployment), deployment["spec"].get("replicas")
    progress = {each["type"]: each for each in status.get("conditions") or ()}.get("Progressing") or {}
    gave_up = progress.get("status") == "False"
    return Rollout(
        wanted=1 if wanted is None else int(wanted),
        updated=int(status.get("updatedReplicas") or 0),
        available=int(status.get("availableReplicas") or 0),
        total=int(status.get("replicas") or 0),
        generation=int(deployment["metadata"].get("generation") or 0),
        observed=int(status.get("observedGeneration") or 0),
        stuck=f"{progress.get('reason')}: {progress.get('message', '')}"[:MOST] if gave_up else "",
    )


def owner(one: Json) -> str:
    """Who puts back what is changed by hand, for a person; empty where nothing says that somebody does."""
    labels, notes = labels_of(one), one["metadata"].get("annotations") or {}
    argo = labels.get(_ARGO_LABEL) or str(notes.get(_ARGO_TRACKING, "")).partition(":")[0]
    if argo:
        return f"Argo CD, application {argo}"
    for prefix in _FLUX:
        name, space = labels.get(f"{prefix}/name"), labels.get(f"{prefix}/namespace")
        if name:
            kind = "Kustomization" if prefix.startswith("kustomize") else "HelmRelease"
            return f"Flux, {kind} {space}/{name}"
    release = notes.get(_HELM)
    return f"Helm, release {release}" if release else ""


def selector_of(deployment: Json) -> str:
    """The label selector of its pods, as a question asks for it."""
    wanted = deployment["spec"]["selector"].get("matchLabels") or {}
    return ",".join(f"{name}={value}" for name, value in sorted(wanted.items()))


def container_of(deployment: Json, env: str, wanted: str) -> tuple[str, EnvValue] | str:
    """The container that has this variable and what it is set to, or a sentence that says why there is none.

    Args:
        deployment: the object.
        env: the variable.
        wanted: the container's name; empty: the only one that has the variable.
    """
    containers = deployment["spec"]["template"]["spec"]["containers"]
    name, known = name_of(deployment), ", ".join(str(one["name"]) for one in containers)
    named = [one for one in containers if not wanted or one["name"] == wanted]
    if not named:
        return f"Deployment {name} has no container {wanted}; it has {known}."
    having = [(one, value) for one in named for value in _env(one, env)]
    if len(having) == 1:
        return str(having[0][0]["name"]), having[0][1]
    if having:
        return f"Several containers of Deployment {name} have {env} ({known}): name one with application.container."
    there = sorted({str(each["name"]) for one in named for each in one.get("env") or ()})
    hint = f"; there are {', '.join(there)}" if there else ""
    return f"No container of Deployment {name} sets {env} in its env{hint}."


def _env(container: Json, env: str) -> Iterator[EnvValue]:
    for each in container.get("env") or ():
        if each["name"] == env:
            source = each.get("valueFrom")
            yield (
                EnvValue(None, _source(source), json.dumps(source))
                if source
                else EnvValue(without_password(str(each.get("value") or "")))
            )


def _source(value_from: Json) -> str:
    for word, what in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if word in value_from:
            return f"{what} {value_from[word].get('name')}, key {value_from[word]['key']}"
    return ", ".join(value_from)


def config_map_key(value: EnvValue) -> tuple[str, str] | None:
    """The ConfigMap and its key that a variable comes from; a Secret is never read."""
    reference = (json.loads(value.source_json) if value.source_json else {}).get("configMapKeyRef")
    return (str(reference["name"]), str(reference["key"])) if reference and reference.get("name") else None


def config_map_value(config_map: Json, key: str) -> str | None:
    """What a ConfigMap says under a key, without a password; ``None`` where it has none."""
    said = (config_map.get("data") or {}).get(key)
    return None if said is None else without_password(str(said))


def shape_of(pods: Iterable[PodView]) -> Shape:
    """Which of the charts' shapes the labels say."""
    seen = {(pod.chart, pod.component) for pod in pods}
    if any(chart == "redis-cluster" for chart, _ in seen):
        return Shape.CLUSTER
    components = {component for _, component in seen}
    if "node" in components:
        return Shape.SENTINEL
    return Shape.REPLICATION if components & {"master", "replica"} else Shape.UNKNOWN


def _status(one: Json) -> Json:
    return one.get("status") or {}


def _time(text: object) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
