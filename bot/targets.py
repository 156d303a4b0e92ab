"""Reads ``targets.yaml``: which Redis deployments there are, in which channels, and who may do what to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from actions.kit.kubernetes.place import Way
from actions.kit.topology import Address, AddressMap, Kind, Limits, Target
from bot.access import read_credentials, read_tls
from bot.addresses import read_address_map, read_addresses
from bot.alerts.settings import read_default_channel, read_labels, read_links
from bot.fleet import Fleet, People
from bot.marked import Field, Section, read_yaml
from bot.render.words import counted, quoted
from bot.rules import read_channels, read_people, read_rules
from bot.targets_elasticache import read_group
from bot.targets_kubernetes import finds_nodes, read_place
from bot.targets_prometheus import read_prometheus
from bot.targets_rescue import read_rescue

__all__ = ["Fleet", "load_targets"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TARGET_KEYS = (
    *(
        "kind",
        "alerts",
        "environment",
        "master_name",
        "nodes",
        "sentinels",
        "address_map",
        "auth",
        "sentinel_auth",
        "tls",
        "sentinel_tls",
    ),
    *("channels", "limits", "approvers", "requesters", "break_glass", "kubernetes", "region", "replication_group_id"),
    *("prometheus", "rescue"),
)
_LIMIT_KEYS = ("max_lag_bytes", "max_pause_ms", "cooldown_s", "timeout_ms")
CHART_MASTER_NAME = "mymaster"
"""What the Bitnami chart has Sentinels call the master, unless it is told otherwise."""
_TOO_SHORT = ("prod", "prd", "live")


def load_targets(path: Path) -> Fleet:
    """Read the file and the secrets that it names.

    Raises:
        SettingsError: what is wrong, with the file, the line and what to do.
    """
    root = read_yaml(path).section(
        *("targets", "approvers", "requesters", "break_glass", "rules", "alerts", "rescue", "prometheus")
    )
    sections = {}
    for key, value in root.need("targets", "it holds one entry for each Redis deployment").named():
        name = str(key.node.value)
        if not _NAME.fullmatch(name):
            raise key.wrong("is no name for a target; use at most 40 of a-z, 0-9 and -, not - first.")
        sections[name] = value.section(*_TARGET_KEYS)
    if not sections:
        raise root.fields["targets"].wrong("is empty; it holds one entry for each Redis deployment.")
    targets = {name: _target(name, section, root) for name, section in sections.items()}
    _refuse_one_deployment_twice(sections, targets)
    approvers = _people("approvers", root, sections)
    for_all, own = read_links(root.get("alerts"), sections)
    return Fleet(
        targets=targets,
        channels=_channels(sections),
        approvers=approvers,
        requesters={**approvers, **_people("requesters", root, sections)},
        notes=tuple(note for target in targets.values() for note in _notes(target)),
        rules=read_rules(root.get("rules"), targets),
        break_glass=_people("break_glass", root, sections),
        alerts_channel=read_default_channel(root.get("alerts")),
        alert_labels=read_labels(sections),
        alert_links=for_all,
        target_links=own,
    )


def _target(name: str, section: Section, root: Section) -> Target:
    kind = Kind(section.need("kind", "it says who is in charge of the roles").one_of([kind.value for kind in Kind]))
    environment = section.get("environment")
    tls = read_tls(section.get("tls"))
    address_map = read_address_map(section.get("address_map"))
    place = read_place(section.get("kubernetes"))
    found = finds_nodes(place)
    if found and kind is Kind.ELASTICACHE:
        raise section.fields["kubernetes"].wrong(
            "names a release, and AWS runs what is of kind elasticache; remove it."
        )
    if place is not None and place.reach is Way.EXEC and tls is not None:
        raise section.fields["kubernetes"].wrong("has reach: exec, which speaks no TLS; take reach: port-forward.")
    return Target(
        name=name,
        kind=kind,
        environment=_environment(environment) if environment else "production",
        nodes=_addresses(
            section, "nodes", 6379, address_map, needed=not found and kind in {Kind.REPLICATION, Kind.CLUSTER}
        ),
        sentinels=_addresses(section, "sentinels", 26379, address_map, needed=not found and kind is Kind.SENTINEL),
        master_name=_master_name(section, kind, CHART_MASTER_NAME if found else ""),
        auth=read_credentials(section.get("auth")),
        sentinel_auth=read_credentials(section.get("sentinel_auth")),
        tls=tls,
        sentinel_tls=read_tls(section.get("sentinel_tls"), tls),
        limits=_limits(section.get("limits")),
        elasticache=read_group(section, kind),
        timeout_ms=_timeout_ms(section.get("limits")),
        address_map=address_map,
        kubernetes=place,
        rescue=read_rescue(section.get("rescue") or root.get("rescue"), on_kubernetes=place is not None),
        prometheus=read_prometheus(section.get("prometheus"), root.get("prometheus"), name),
    )


def _environment(field: Field) -> str:
    word = field.matching(_WORD, "a word of a-z, 0-9 and -, such as production or staging")
    if word in _TOO_SHORT:
        # A production that is not called so would need fewer approvals.
        raise field.wrong(f"is {word}; write production.")
    return word


def _addresses(
    section: Section, name: str, default_port: int, address_map: AddressMap, *, needed: bool
) -> tuple[Address, ...]:
    if not needed and section.get(name) is None:
        return ()
    return read_addresses(section, name, default_port, address_map)


def _master_name(section: Section, kind: Kind, default: str) -> str:
    if kind is Kind.SENTINEL and not default:
        section.need("master_name", "it is the name under which the Sentinels monitor the master")
    for name in ("master_name", "sentinels", "sentinel_auth", "sentinel_tls"):
        field = section.get(name)
        if field is not None and kind is not Kind.SENTINEL:
            raise field.wrong(f"is for kind sentinel only; this target's kind is {kind}.")
    return section.text("master_name", default if kind is Kind.SENTINEL else "")


def _limits(field: Field | None) -> Limits:
    """Those that are not there keep their defaults."""
    bounds = {"max_lag_bytes": (0, 2**40), "max_pause_ms": (1, 60_000), "cooldown_s": (0, 604_800)}
    given = field.section(*_LIMIT_KEYS).fields if field else {}
    return Limits(**{name: given[name].whole(low, high) for name, (low, high) in bounds.items() if name in given})


def _timeout_ms(field: Field | None) -> int:
    timeout = field.section(*_LIMIT_KEYS).get("timeout_ms") if field else None
    return timeout.whole(10, 60_000) if timeout else 1_000


def _people(role: str, root: Section, sections: Mapping[str, Section]) -> dict[str, People]:
    """By target: its own, else those for all."""
    general = root.get(role)
    found = {name: section.get(role) or general for name, section in sections.items()}
    return {name: read_people(field) for name, field in found.items() if field is not None}


def _channels(sections: Mapping[str, Section]) -> dict[str, tuple[str, ...]]:
    bound: dict[str, tuple[str, ...]] = {}
    for name, section in sections.items():
        field = section.get("channels")
        for channel in read_channels(field) if field else ():
            bound[channel] = (*bound.get(channel, ()), name)
    return bound


def _refuse_one_deployment_twice(sections: Mapping[str, Section], targets: Mapping[str, Target]) -> None:
    """Two names for one deployment would allow two changes on it at once."""
    owners: dict[str, str] = {}
    for name, target in targets.items():
        for what in _places(target):
            owner = owners.setdefault(what, name)
            if owner != name:
                raise sections[name].field.wrong(f"is the same deployment as {owner}: {what} is in both; keep one.")


def _places(target: Target) -> Iterator[str]:
    """What no other target may have too, in words."""
    where = target.address_map.place  # Behind NAT the servers of two places may go by the same addresses.
    for address in target.sentinels:
        yield f"master_name {quoted(target.master_name)} at Sentinel {where(address)}"
    for address in target.nodes:
        yield f"node {where(address)}"
    if target.elasticache is not None:
        yield f"replication group {target.elasticache.name} in {target.elasticache.region}"
    home = target.kubernetes
    if home is not None and home.release:
        cluster = "".join(f" of {name}" for name in (home.context, home.kubeconfig) if name)
        yield f"release {home.release} in namespace {home.namespace}{cluster}"


def _notes(target: Target) -> list[str]:
    notes = []
    if target.kind is Kind.SENTINEL and len(target.sentinels) < 3 and not finds_nodes(target.kubernetes):
        known = counted(len(target.sentinels), "Sentinel")
        notes.append(f"{target.name}: {known} listed; list all of them, or one that is down hides the others.")
    if target.kind is Kind.REPLICATION and len(target.nodes) < 2 and not finds_nodes(target.kubernetes):
        notes.append(f"{target.name}: 1 node listed; list all of them, or nobody is known while it is down.")
    if target.kind is Kind.CLUSTER and len(target.nodes) < 2 and not finds_nodes(target.kubernetes):
        notes.append(f"{target.name}: 1 node listed; it tells of all others, but while it is down nobody does.")
    return notes
