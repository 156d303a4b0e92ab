"""How an application is pointed at a new master, or why it is not, and what has to be changed for good. No I/O here."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from actions.kit.action import Option
from actions.kit.errors import UsageError
from actions.kit.kubernetes.hosts import hides, hosts_in, pointed_at
from actions.kit.kubernetes.setting import Variable, as_text
from actions.kit.kubernetes.steps import AwaitRollout, SwitchApplication
from actions.kit.kubernetes.view import ApplicationView, EnvValue, KubernetesView, PodView, Shape
from actions.kit.plan import Step
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address, Kind

SWITCH, ROLL_BACK, LEAVE = "switch", "roll-back", "leave"
APPLICATION = Option(
    "application",
    f"{SWITCH}|{ROLL_BACK}|{LEAVE}",
    "What becomes of the application on Kubernetes: pointed at the new master (the default), the same but taken back "
    "if its rollout gets stuck, or left as it is.",
)


@dataclass(frozen=True, slots=True)
class Switching:
    """What a plan has to hold for the application: ``at_once`` once the new master takes writes, ``at_last``, notes."""

    at_once: tuple[Step, ...] = ()
    at_last: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()


def wanted(options: Mapping[str, str]) -> str:
    """What is to become of the application.

    Raises:
        UsageError: none of the words for it.
    """
    word = options.get("application") or SWITCH
    if word not in (SWITCH, ROLL_BACK, LEAVE):
        raise UsageError(f"--application takes {SWITCH}, {ROLL_BACK} or {LEAVE}; {word[:40]!r} is none of them.")
    return word


def why_not(snapshot: Snapshot, word: str) -> Iterator[str]:
    """Why the application could not be pointed at a new master, though somebody wants it."""
    view = snapshot.kubernetes
    app = view.application if view else None
    if view is None or app is None or word == LEAVE or snapshot.kind is not Kind.REPLICATION:
        return
    unasked = app.unasked or (view.unasked if app.rollout is None else None)
    said = unasked.why if unasked else app.unswitchable
    if said:
        yield (
            f"The application cannot be pointed at a new master: {said.rstrip('.')}. Mend that, or leave the "
            f"application to somebody else: --application {LEAVE}."
        )


def switching(snapshot: Snapshot, new: Address, word: str) -> Switching:
    """The steps and the notes; no steps where there is no application, or it has to be done by a person.

    Where Sentinels name the master the application asks them, and its setting is about them.
    """
    view = snapshot.kubernetes
    app = view.application if view else None
    if view is None or snapshot.kind is not Kind.REPLICATION:
        return Switching()
    notes = tuple(_static_service(snapshot, view, new))
    if app is None or app.value is None:
        return Switching(notes=notes)
    host = _host(view, new, app.value)
    if host in hosts_in(app.value.value or ""):
        return Switching(notes=(f"{app.deployment} is set to {host} already.", *notes))
    value = _new_value(app.value, host, new.port)
    if word == LEAVE or value is None:
        return Switching(notes=(_by_hand(view, app, host, word), *notes))
    variable = Variable(view.namespace, app.deployment, app.container, app.env)
    texts = (as_text(app.value), as_text(EnvValue(value)))
    roll_back = word == ROLL_BACK
    return Switching(
        (SwitchApplication(variable, *texts, roll_back),),
        (AwaitRollout(variable, *texts, roll_back),),
        (*_rolled_out(app, value), *notes),
    )


def _new_value(value: EnvValue, host: str, port: int) -> str | None:
    """``None`` where it cannot be written without knowing more: a password in it, or several hosts."""
    if value.value is None or hides(value.value):
        return None
    return pointed_at(value.value, host, port)


def _host(view: KubernetesView, new: Address, value: EnvValue) -> str:
    """The new master as the application may call it: by address if it did so, else by the pod's lasting name."""
    pod = view.pod_of(new.host)
    hosts = hosts_in(value.value or "")
    if pod is None or not pod.subdomain or (hosts and _is_ip(hosts[0])):
        return new.host
    _, svc, domain = hosts[0].partition(".svc") if hosts else ("", "", "")
    return f"{pod.name}.{pod.subdomain}.{view.namespace}.svc{domain if svc else ''}"


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _by_hand(view: KubernetesView, app: ApplicationView, host: str, word: str) -> str:
    value = app.value
    if word == LEAVE:
        why = "was asked to be left as it is"
    elif value is not None and value.value is None:
        why = f"takes {app.env} from {value.source}, which is not changed from here"
    else:
        why = f"has {app.env} set to what cannot be changed from here ({value.words if value else '?'})"
    return f"{app.deployment} {why}: point it at {host} by hand, or it does not find the new master ({view.namespace})."


def _rolled_out(app: ApplicationView, value: str) -> Iterator[str]:
    was = app.value.words if app.value else "?"
    yield (
        f"{app.deployment} is pointed at the new master: {app.env} from {was} to {value}. Kubernetes replaces its pods "
        "one after the other; until then they do not find it."
    )
    if app.owner.startswith(("Argo CD", "Flux")):
        yield f"{app.owner}, puts the old {app.env} back as soon as it syncs: change it there too, or suspend it first."
    elif app.owner.startswith("Helm"):
        yield f"For good: change {app.env} in the values too ({app.owner}), or the next helm upgrade puts the old back."


def _static_service(snapshot: Snapshot, view: KubernetesView, new: Address) -> Iterator[str]:
    """The chart of plain replication cannot keep another master than its first pod."""
    pod = view.pod_of(new.host)
    if view.shape is not Shape.REPLICATION or pod is None or pod.component == "master":
        return
    first: PodView | None = next((one for one in view.pods if one.component == "master"), None)
    name = first.name if first else "the chart's master"
    for service in view.services:
        if service.takes_writes:
            yield (
                f"Service {service.name} selects {service.words} for ever: it never leads to {pod.name}, and whoever "
                "uses it writes to the old master."
            )
    yield (
        f"The chart starts {name} as a master whenever it is restarted: two masters, until somebody demotes it. Give "
        f"the role back to it (failover {snapshot.target} --to its address) as soon as it follows, or install the "
        "chart with sentinel.enabled=true."
    )
