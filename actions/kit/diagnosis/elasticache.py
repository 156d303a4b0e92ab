"""Rules about what AWS says of a replication group, and how that fits what its nodes say. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from actions.kit.diagnosis.facts import ACCESS, Facts, confident, no_answer, of_node
from actions.kit.elasticache.words import AVAILABLE, DISABLED, ENABLED
from actions.kit.findings import Evidence, Finding, FindingId, Severity

if TYPE_CHECKING:
    from actions.kit.elasticache.views import GroupView
    from actions.kit.unasked import Unasked


def group_failing_over(facts: Facts) -> Iterator[Finding]:
    """AWS moves a primary: hands off.

    The group is not available, and its events tell of a TestFailover that is not complete, or another primary is
    pending. Certain: AWS says so.
    """
    group = facts.group
    if group is None or group.status == AVAILABLE:
        return
    from actions.kit.elasticache.events import open_tests  # noqa: PLC0415 -- Most targets have no group.

    events = [
        Evidence("AWS event", f"{one.at.isoformat(timespec='seconds')} {one.message}")
        for one in open_tests(group.events)
    ]
    pending = [_of_group(group, f"pending: {one}") for one in group.pending if one.startswith("PrimaryClusterId")]
    if events or pending:
        yield Finding(
            FindingId.FAILOVER_IN_PROGRESS,
            Severity.CRITICAL,
            confident(complete=True),
            f"AWS is failing {group.name} over: wait until it is available again before anything is changed.",
            group.endpoints,
            (_of_group(group, f"status {group.status}"), *events, *pending),
            facts.lines("diagnose", "events"),
        )


def group_changing(facts: Facts) -> Iterator[Finding]:
    """AWS is changing the group, a shard or a member, or is going to.

    A status other than available, automatic failover that is being turned on or off, or something pending. Information
    where it only waits for the maintenance window. Certain: AWS says so.
    """
    group = facts.group
    if group is None or not group.status:
        return
    at_work = list(_at_work(group))
    if not at_work and not group.pending:
        return
    pending = tuple(_of_group(group, f"pending: {one}") for one in group.pending)
    what = "; ".join(at_work) if at_work else f"{', '.join(group.pending)} waits for the maintenance window"
    yield Finding(
        FindingId.ELASTICACHE_CHANGING,
        Severity.WARNING if at_work else Severity.INFO,
        confident(complete=True),
        f"AWS is at work on {group.name}: {what}." if at_work else f"AWS is going to change {group.name}: {what}.",
        group.endpoints,
        (_of_group(group, f"status {group.status}, automatic failover {group.automatic_failover}"), *pending),
        facts.lines("diagnose", "events"),
    )


def _at_work(group: GroupView) -> Iterator[str]:
    if group.status != AVAILABLE:
        yield f"its status is {group.status}"
    if group.automatic_failover not in (ENABLED, DISABLED, ""):
        yield f"automatic failover is {group.automatic_failover}"
    for shard in group.node_groups:
        if shard.status not in (AVAILABLE, "", group.status):
            yield f"shard {shard.name} is {shard.status}"
    for member in group.members:
        if member.status not in (AVAILABLE, ""):
            yield f"{member.name} is {member.status}"


def group_disagreement(facts: Facts) -> Iterator[Finding]:
    """AWS calls one node primary, and the nodes say otherwise, while AWS is not changing anything.

    Certain if every node answered. Nothing is said in cluster mode, where AWS does not tell roles.
    """
    group = facts.group
    if group is None or group.status != AVAILABLE:
        return
    for shard in group.node_groups:
        primary = shard.primary
        node = facts.snapshot.node(primary.endpoint) if primary and primary.endpoint else None
        if primary is not None and node is not None and node.is_replica:
            followed = node.info.link.master if node.info and node.info.link else "nobody"
            yield Finding(
                FindingId.ELASTICACHE_DISAGREEMENT,
                Severity.CRITICAL,
                confident(complete=all(one.info for one in facts.snapshot.nodes)),
                f"AWS calls {primary.name} the primary, but {node.address} says that it is a replica of {followed}.",
                (node.address,),
                (
                    _of_group(group, f"{primary.name} is primary"),
                    of_node(node, f"role replica of {followed}"),
                    *(of_node(one, "role master") for one in facts.masters),
                ),
                facts.lines("diagnose", "events"),
            )


def failover_off(facts: Facts) -> Iterator[Finding]:
    """Nobody takes over where the primary is lost: automatic failover is off, though there are replicas. Certain."""
    group = facts.group
    if group is None or group.automatic_failover != DISABLED or len(group.members) < 2:
        return
    yield Finding(
        FindingId.ELASTICACHE_FAILOVER_OFF,
        Severity.WARNING,
        confident(complete=True),
        f"Automatic failover of {group.name} is off: where its primary is lost, AWS promotes nobody by itself.",
        (),
        (_of_group(group, f"automatic failover {group.automatic_failover}, Multi-AZ {group.multi_az or 'not told'}"),),
        facts.lines("events"),
    )


def one_zone(facts: Facts) -> Iterator[Finding]:
    """All members of a shard are in one availability zone: it is lost with that. Information; certain."""
    group = facts.group
    for shard in group.node_groups if group else ():
        zones = {member.zone for member in shard.members}
        if group is not None and len(shard.members) > 1 and len(zones) == 1 and "" not in zones:
            yield Finding(
                FindingId.ELASTICACHE_ONE_ZONE,
                Severity.INFO,
                confident(complete=True),
                f"All members of {group.name}, shard {shard.name}, are in {zones.pop()}: with that zone all are lost.",
                tuple(member.endpoint for member in shard.members if member.endpoint),
                tuple(_of_group(group, f"{member.name} in {member.zone}") for member in shard.members),
            )


def aws_shuts_out(facts: Facts) -> Iterator[Finding]:
    """AWS does not let us ask about the group, or does not let us ask all that we ask.

    Information only where single questions are refused. Certain: AWS, or the lack of any credentials, says so.
    """
    group = facts.group
    if group is None:
        return
    if group.unasked is not None and group.unasked.reason in ACCESS:
        yield _shut_out(facts, Severity.WARNING, group.unasked.why, (group.unasked,))
    refused = tuple(gap for gap in group.gaps if gap.reason in ACCESS)
    if refused:
        yield _shut_out(facts, Severity.INFO, " ".join(gap.why for gap in refused), refused)


def _shut_out(facts: Facts, severity: Severity, why: str, said: tuple[Unasked, ...]) -> Finding:
    evidence = tuple(no_answer(one) for one in said)
    return Finding(
        FindingId.AUTH_FAILED, severity, confident(complete=True), why, (), evidence, facts.lines("diagnose")
    )


def _of_group(group: GroupView, observation: str) -> Evidence:
    return Evidence(f"AWS {group.name}", observation)
