"""What in the Sentinels' set-up is only noticed when it is too late: times, names, who they know. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actions.kit.diagnosis.facts import Facts, count, of_sentinel
from actions.kit.findings import Evidence, Severity
from actions.kit.snapshot import MonitoredMaster, SentinelView
from actions.kit.topology import Address

Problem = tuple[Severity, str, tuple[Evidence, ...]]

SHORTEST_DOWN_AFTER_MS = 500
LONGEST_DOWN_AFTER_MS = 300_000
SHORTEST_FAILOVER_MS = 1_000
LONGEST_FAILOVER_MS = 1_800_000
"""Ten times Sentinel's own default."""


def times(facts: Facts) -> Iterator[Problem]:
    """A master that is called down at every hiccup, or only after minutes; a failover that has no time.

    Nothing is said of them while Sentinels fail over: a failover is stopped by its time-out.
    """
    down_after = sorted({said.down_after_ms for _, said in facts.opinions})
    told = tuple(of_sentinel(view, f"down-after-milliseconds {said.down_after_ms:,}") for view, said in facts.opinions)
    if down_after and down_after[0] < SHORTEST_DOWN_AFTER_MS:
        words = f"down-after-milliseconds is {down_after[0]:,}: a master that is busy for so long is failed over."
        yield Severity.WARNING, words, told
    if down_after and down_after[-1] > LONGEST_DOWN_AFTER_MS:
        words = f"down-after-milliseconds is {down_after[-1]:,}: a lost master is not noticed for so long."
        yield Severity.WARNING, words, told
    if len(down_after) > 1:
        words = f"The Sentinels have different down-after-milliseconds: {', '.join(f'{one:,}' for one in down_after)}."
        yield Severity.INFO, words, told
    yield from _failover_times(facts)


def _failover_times(facts: Facts) -> Iterator[Problem]:
    told = {said.failover_timeout_ms: (view, said) for view, said in reversed(facts.opinions)}
    for limit_ms, (view, said) in sorted(told.items()):
        if limit_ms < SHORTEST_FAILOVER_MS and not facts.roles_undecided:
            words = "no failover ends within that"
        elif limit_ms > LONGEST_FAILOVER_MS:
            words = "a failover that sticks is not given up before, and the next one is tried after twice that"
        else:
            continue
        evidence = of_sentinel(view, f"failover-timeout {said.failover_timeout_ms:,}")
        yield Severity.WARNING, f"failover-timeout is {limit_ms:,} ms: {words}.", (evidence,)


def names(facts: Facts) -> Iterator[Problem]:
    """Sentinels that call one master by different names: it is the same process."""
    called = {said.address for _, said in facts.opinions}
    if len(called) > 1 and len({facts.known_as(address) for address in called}) == 1:
        both = " and ".join(map(str, sorted(called)))
        yield (
            Severity.WARNING,
            f"The Sentinels call one master {both}: set resolve-hostnames and announce-hostnames alike on all of them.",
            tuple(of_sentinel(view, f"names {said.address}") for view, said in facts.opinions),
        )


def listed_twice(facts: Facts) -> Iterator[Problem]:
    """One Sentinel by several addresses: it has one vote."""
    for view in facts.snapshot.sentinels:
        if view.also:
            both = " and ".join(map(str, (view.address, *view.also)))
            said = of_sentinel(view, f"its id {view.run_id[:12]} answers at {both}")
            yield Severity.WARNING, f"{both} are one and the same Sentinel: list it once.", (said,)


def dead_peers(facts: Facts) -> Iterator[Problem]:
    """Sentinels that nobody lists, and that each one that knows them holds to be down: they still count."""
    dead = dead_strangers(facts)
    if dead:
        many, still = count(len(dead), "dead Sentinel"), "counts" if len(dead) == 1 else "count"
        words = f"{many} that the settings do not list still {still}: {facts.electorate // 2 + 1} of {facts.electorate}"
        yield (
            Severity.WARNING,
            f"{words} have to agree. Each of the others in turn: SENTINEL RESET {facts.snapshot.master_name}.",
            tuple(
                of_sentinel(view, f"knows {peer}, s_down")
                for view, said in facts.opinions
                for peer in said.peers_down
                if peer in dead
            ),
        )


def dead_strangers(facts: Facts) -> frozenset[Address]:
    """The Sentinels that only others know, and hold to be down, each one that knows them."""
    listed = {address for view in facts.snapshot.sentinels for address in (view.address, *view.also)}
    known: dict[Address, list[bool]] = {}
    for _, said in facts.opinions:
        for peer in said.peers:
            if peer not in listed:
                known.setdefault(peer, []).append(peer in said.peers_down)
    return frozenset(peer for peer, down in known.items() if all(down))


def several_deployments(facts: Facts) -> Iterator[Problem]:
    """Sentinels that name different masters and know nobody of each other: the name stands for two deployments."""
    groups = deployments(facts)
    if len(groups) < 2:
        return
    summary = (
        f"{facts.snapshot.master_name!r} stands for {len(groups)} deployments: these Sentinels name different masters "
        "and do not know each other. Give each its own name, or list only its own Sentinels."
    )
    evidence = (
        of_sentinel(view, f"names {said.address}, knows {', '.join(map(str, said.peers)) or 'no other'}")
        for view, said in facts.opinions
    )
    yield Severity.WARNING, summary, tuple(evidence)


def deployments(facts: Facts) -> dict[Address, list[tuple[SentinelView, MonitoredMaster]]]:
    """The Sentinels by the master that they name, where those of each know nobody of the others; else nobody."""
    groups: dict[Address, list[tuple[SentinelView, MonitoredMaster]]] = {}
    for view, said in facts.opinions:
        groups.setdefault(facts.known_as(said.address), []).append((view, said))
    told = all(len(said.peers) == said.other_sentinels for _, said in facts.opinions)
    return groups if told and not any(_knows(groups, one, other) for one in groups for other in groups) else {}


def _knows(groups: dict[Address, list[tuple[SentinelView, MonitoredMaster]]], one: Address, other: Address) -> bool:
    strangers = {view.address for view, _ in groups[other]} if one != other else set()
    return any(strangers & set(said.peers) for _, said in groups[one])


TRAPS: tuple[Callable[[Facts], Iterator[Problem]], ...] = (
    times,
    names,
    listed_twice,
    dead_peers,
    several_deployments,
)
