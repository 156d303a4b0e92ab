"""The rule about how the Sentinels are set up: their number, quorum, and whom they know. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actions.kit.diagnosis.facts import Facts, confident, of_sentinel
from actions.kit.diagnosis.sentinel_traps import TRAPS, Problem, dead_strangers
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import Reason

ENOUGH = 3
"""The smallest number of Sentinels of which one may be lost."""


def sentinel_misconfigured(facts: Facts) -> Iterator[Finding]:
    """What in the Sentinels' set-up would hurt when it is needed, a finding each.

    Fewer than three; an even number; a quorum above their number, or below a majority; different quorums; a Sentinel
    that does not know the master's name; one that knows of more or of fewer Sentinels than the settings list; times
    that are too short or too long; a master or a Sentinel by two names; dead ones that still count; two deployments by
    one name; any at all that watches a target of kind replication. Certain: the settings, the Sentinels and the nodes
    say so.
    """
    if not facts.has_sentinels:
        yield from _watched_all_the_same(facts)
        return
    for check in _CHECKS:
        for severity, summary, evidence in check(facts):
            yield Finding(
                FindingId.SENTINEL_MISCONFIGURED,
                severity,
                confident(complete=True),
                summary,
                tuple(view.address for view in facts.snapshot.sentinels),
                evidence,
                facts.lines("diagnose"),
            )


def _watched_all_the_same(facts: Facts) -> Iterator[Finding]:
    """A Sentinel subscribes on every node that it watches, whatever the settings say."""
    watched = [node for node in facts.snapshot.nodes if node.watching_sentinels]
    if watched:
        yield Finding(
            FindingId.SENTINEL_MISCONFIGURED,
            Severity.WARNING,
            confident(complete=True),
            "Sentinels watch nodes of this target, which targets.yaml calls kind: replication; they may move roles.",
            tuple(node.address for node in watched),
            tuple(
                Evidence(f"node {node.address} PUBSUB NUMSUB", f"__sentinel__:hello has {node.watching_sentinels}")
                for node in watched
            ),
            facts.lines("diagnose"),
        )


def _number(facts: Facts) -> Iterator[Problem]:
    """An even number only costs: four may lose no more than three may."""
    number = facts.electorate
    evidence = (Evidence("settings and Sentinels", f"{number} Sentinels, majority {number // 2 + 1}"),)
    if 0 < number < ENOUGH:
        summary = f"With {number} Sentinel{'s' if number > 1 else ''} none may be lost: have at least three."
        yield Severity.WARNING, summary, evidence
    elif number % 2 == 0 and number:
        yield Severity.INFO, f"{number} Sentinels may lose no more than {number - 1}: have an odd number.", evidence


def _quorum(facts: Facts) -> Iterator[Problem]:
    quorums = sorted({master.quorum for _, master in facts.opinions})
    evidence = tuple(of_sentinel(view, f"quorum {master.quorum}") for view, master in facts.opinions)
    if len(quorums) > 1:
        yield Severity.WARNING, f"The Sentinels have different quorums: {', '.join(map(str, quorums))}.", evidence
    if quorums and quorums[-1] > facts.electorate:
        summary = f"The quorum of {quorums[-1]} is above the number of Sentinels, {facts.electorate}: never a failover."
        yield Severity.WARNING, summary, evidence
    majority = facts.electorate // 2 + 1
    if quorums and quorums[0] < majority:
        summary = f"The quorum of {quorums[0]} is below the majority of {majority}: too few may call the master down."
        yield Severity.INFO, summary, evidence


def _unknown_master(facts: Facts) -> Iterator[Problem]:
    """Critical where no Sentinel knows the name: clients that ask are told nothing."""
    ignorant = [
        view for view in facts.snapshot.sentinels if view.unasked and view.unasked.reason is Reason.UNKNOWN_MASTER
    ]
    if not ignorant:
        return
    name = facts.snapshot.master_name
    names = sorted({known for view in ignorant for known in view.knows})
    instead = f"they monitor {', '.join(names)}" if names else "they monitor nothing"
    yield (
        Severity.WARNING if facts.opinions else Severity.CRITICAL,
        f"{len(ignorant)} of {facts.electorate} Sentinels do not know the master name {name!r}; {instead}.",
        tuple(of_sentinel(view, f"knows {', '.join(view.knows) or 'no master'}, not {name}") for view in ignorant),
    )


def _peers(facts: Facts) -> Iterator[Problem]:
    """Beside the dead ones, of which there is a word of their own."""
    listed, dead = len(facts.snapshot.sentinels), len(dead_strangers(facts))
    more = [(view, master) for view, master in facts.opinions if master.other_sentinels + 1 > listed + dead]
    fewer = [(view, master) for view, master in facts.opinions if master.other_sentinels + 1 < listed]
    if more:
        yield (
            Severity.WARNING,
            f"Some Sentinels know of more Sentinels than the {listed} of the settings: list them, or reset the dead.",
            tuple(of_sentinel(view, f"knows {master.other_sentinels} others") for view, master in more),
        )
    if fewer:
        yield (
            Severity.WARNING,
            f"Some Sentinels do not know all {listed} of the settings: look at their addresses and passwords.",
            tuple(of_sentinel(view, f"knows {master.other_sentinels} others") for view, master in fewer),
        )


_CHECKS: tuple[Callable[[Facts], Iterator[Problem]], ...] = (
    *(_unknown_master, _number, _quorum, _peers),
    *TRAPS,
)
