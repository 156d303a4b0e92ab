"""The rule about commands that hold a server up. No I/O here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from actions.kit.closer import SlowCommand
from actions.kit.closer_replies import LATELY_S, is_late
from actions.kit.diagnosis.about import about
from actions.kit.diagnosis.facts import Facts
from actions.kit.findings import Evidence, Finding, FindingId, Severity
from actions.kit.snapshot import NodeView

WORTH_A_WORD_US = 500_000
ONE_US = 1_000_000
"""Nobody else is served for so long: clients notice."""
ALL_US = 6_000_000
"""A tenth of the minute that is looked at."""


def slow_commands(facts: Facts) -> Iterator[Finding]:
    """Commands held a node up within the last minute, for half a second in all, as its SLOWLOG says.

    A warning from one second by one command on, or six in all. Certain: it measured them, and by its own clock.
    """
    for node in facts.snapshot.nodes:
        slow = _lately(node)
        total_us = sum(one.took_us for one in slow)
        if total_us < WORTH_A_WORD_US:
            continue
        bad = total_us >= ALL_US or any(one.took_us >= ONE_US for one in slow)
        held = f"{total_us / 1e6:.1f} s of the last {LATELY_S} s"
        names = ", ".join(f"{name} ({times})" for name, times in Counter(one.name for one in slow).most_common(3))
        yield about(
            facts,
            FindingId.SLOW_COMMANDS,
            node,
            Severity.WARNING if bad else Severity.INFO,
            f"{node.address} was held up for {held} by slow commands: {names}.",
            *(_said(node, one) for one in sorted(slow, key=lambda one: -one.took_us)[:5]),
        )


def _lately(node: NodeView) -> tuple[SlowCommand, ...]:
    now_us = node.info.stats.time_us if node.info else None
    if now_us is None or node.closer is None:
        return ()
    return tuple(one for one in node.closer.slow if is_late(one, now_us))


def _said(node: NodeView, one: SlowCommand) -> Evidence:
    return Evidence(f"node {node.address} SLOWLOG", f"{one.name} took {one.took_us / 1000:,.0f} ms")
