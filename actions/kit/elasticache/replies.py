"""Reads what boto3 gives back, each answer in one function. Whatever comes, it parses or is Garbled. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from actions.kit.elasticache.views import Event, GroupView, MemberFacts, MemberView, NodeGroupView, Source
from actions.kit.errors import Garbled
from actions.kit.topology import Address

Answer = Mapping[str, Any]
T = TypeVar("T")
_SOURCES = frozenset(Source)


def parse_group(region: str, answer: Answer) -> GroupView:
    """The one group of DescribeReplicationGroups.

    Raises:
        Garbled: it is not what AWS answers.
    """
    return _read("DescribeReplicationGroups", lambda: _group(region, answer["ReplicationGroups"][0]))


def parse_names(answer: Answer) -> tuple[str, ...]:
    """The ids in DescribeReplicationGroups.

    Raises:
        Garbled: it is not what AWS answers.
    """
    return _read(
        "DescribeReplicationGroups",
        lambda: tuple(str(one["ReplicationGroupId"]) for one in answer["ReplicationGroups"]),
    )


def parse_members(answer: Answer) -> dict[str, MemberFacts]:
    """What is told of each member, by its name. Source: DescribeCacheClusters.

    Raises:
        Garbled: it is not what AWS answers.
    """
    return _read(
        "DescribeCacheClusters", lambda: {str(one["CacheClusterId"]): _facts(one) for one in answer["CacheClusters"]}
    )


def parse_events(answer: Answer) -> tuple[Event, ...]:
    """The events of DescribeEvents that are about groups and members; there are others.

    Raises:
        Garbled: it is not what AWS answers.
    """
    return _read(
        "DescribeEvents", lambda: tuple(_event(one) for one in answer["Events"] if one["SourceType"] in _SOURCES)
    )


def with_members(group: GroupView, facts: Mapping[str, MemberFacts]) -> GroupView:
    """The group, each member with what DescribeCacheClusters tells of it."""
    filled = (
        replace(one, members=tuple(_filled(member, facts) for member in one.members)) for one in group.node_groups
    )
    return replace(group, node_groups=tuple(filled))


def _read(question: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Garbled(f"AWS {question} answered something else: {type(error).__name__} {error}") from error


def _group(region: str, raw: Answer) -> GroupView:
    return GroupView(
        region=region,
        name=str(raw["ReplicationGroupId"]),
        status=str(raw["Status"]),
        automatic_failover=str(raw.get("AutomaticFailover", "")),
        multi_az=str(raw.get("MultiAZ", "")),
        cluster_mode=bool(raw.get("ClusterEnabled", False)),
        pending=tuple(_pending(raw.get("PendingModifiedValues") or {})),
        node_groups=tuple(_node_group(one) for one in raw.get("NodeGroups") or ()),
        configuration_endpoint=_endpoint(raw.get("ConfigurationEndpoint")),
    )


def _pending(raw: Answer) -> Iterable[str]:
    """What AWS means to change, a few words each; nested values are named, not told."""
    for name, value in sorted(raw.items()):
        if value not in (None, "", {}, []):
            yield f"{name} {value}" if isinstance(value, str | bool | int) else str(name)


def _node_group(raw: Answer) -> NodeGroupView:
    name = str(raw["NodeGroupId"])
    return NodeGroupView(
        name=name,
        status=str(raw.get("Status", "")),
        primary_endpoint=_endpoint(raw.get("PrimaryEndpoint")),
        slots=str(raw.get("Slots", "")),
        members=tuple(_member(name, one) for one in raw.get("NodeGroupMembers") or ()),
    )


def _member(node_group: str, raw: Answer) -> MemberView:
    role = raw.get("CurrentRole")
    return MemberView(
        name=str(raw["CacheClusterId"]),
        node_group=node_group,
        primary=None if role is None else role == "primary",
        zone=str(raw.get("PreferredAvailabilityZone", "")),
        endpoint=_endpoint(raw.get("ReadEndpoint")),
    )


def _filled(member: MemberView, facts: Mapping[str, MemberFacts]) -> MemberView:
    told = facts.get(member.name, MemberFacts())
    return replace(member, status=told.status, zone=member.zone or told.zone, endpoint=member.endpoint or told.endpoint)


def _facts(raw: Answer) -> MemberFacts:
    nodes = raw.get("CacheNodes") or ()
    where = _endpoint(nodes[0].get("Endpoint")) if nodes else None
    return MemberFacts(str(raw.get("CacheClusterStatus", "")), str(raw.get("PreferredAvailabilityZone", "")), where)


def _endpoint(raw: Answer | None) -> Address | None:
    """While AWS makes or replaces a node there is none."""
    if not raw or not raw.get("Address"):
        return None
    return Address(str(raw["Address"]), int(raw["Port"]))


def _event(raw: Answer) -> Event:
    at = raw["Date"]
    if not isinstance(at, datetime):
        raise TypeError("Date is no time")
    return Event(at.astimezone(UTC), str(raw["SourceIdentifier"]), Source(raw["SourceType"]), str(raw["Message"]))
