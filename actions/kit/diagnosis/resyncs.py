"""Whether full syncs end in nothing and begin anew, and why. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from actions.kit.diagnosis.about import counts, grown
from actions.kit.diagnosis.cause import Cause
from actions.kit.diagnosis.facts import Facts, of_node
from actions.kit.diagnosis.growth import growth
from actions.kit.findings import Evidence
from actions.kit.snapshot import Link, NodeView

OFTEN = 10
"""So many full syncs, and five times as many as there are replicas, are more than starts and restarts make."""


def begun_again(facts: Facts, node: NodeView, link: Link) -> Cause | None:
    """That full syncs from whom it follows end in nothing and begin anew, and why.

    More were begun between two looks, in both of which this one had no link, than there are replicas that waited for
    one. Proven if every node answered, and two more were begun, or clients were cut off meanwhile for what they did not
    take: one more may have been somebody's who takes a dump. Likely also where ten were begun since the start, and
    five times as many as there are replicas: each may have been in order.
    """
    followed = facts.nodes.get(link.master)
    if followed is None or followed.info is None or link.up:
        return None
    begun = growth(facts, followed, lambda info: info.stats.full_syncs)
    more = begun.change - _waiting(facts, followed) if begun is not None and _had_no_link(facts, node) else 0
    if more > 0:
        cut = grown(facts, followed, lambda info: info.stats.cut_by_output_limit) is not None
        proven = facts.all_others_answered and (cut or more > 1)
        return Cause(_why(facts, followed), tuple(_counted(facts, followed)), proven)
    total = followed.info.stats.full_syncs or 0
    if total >= max(OFTEN, 5 * len(facts.followers.get(link.master, ()))):
        said = of_node(followed, f"sync_full {total:,} since it started, {followed.info.uptime_s:,} s ago")
        return Cause(_why(facts, followed), (said,))
    return None


def _had_no_link(facts: Facts, node: NodeView) -> bool:
    before = facts.earlier(node)
    return before is not None and before.info is not None and before.info.link is not None and not before.info.link.up


def _waiting(facts: Facts, followed: NodeView) -> int:
    """How many replicas were not yet in a full sync in the earlier look, and may have begun their one."""
    befores = (facts.earlier(node) for node in facts.followers.get(followed.address, ()))
    links = (before.info.link if before and before.info else None for before in befores)
    return sum(1 for link in links if link is None or not link.sync_in_progress)


def _why(facts: Facts, followed: NodeView) -> str:
    if grown(facts, followed, lambda info: info.stats.cut_by_output_limit):
        return "the master cuts it off, for it takes too slowly: raise client-output-buffer-limit replica"
    if followed.info is not None and followed.info.last_bgsave_ok is False:
        return "the master's dump fails: look at its disk"
    return "look at client-output-buffer-limit replica and repl-timeout of the master, and at both logs"


def _counted(facts: Facts, followed: NodeView) -> Iterator[Evidence]:
    for name, counted in (
        ("sync_full", grown(facts, followed, lambda info: info.stats.full_syncs)),
        ("sync_partial_err", grown(facts, followed, lambda info: info.stats.refused_partial_syncs)),
        (
            "client_output_buffer_limit_disconnections",
            grown(facts, followed, lambda info: info.stats.cut_by_output_limit),
        ),
    ):
        if counted is not None:
            yield counts(followed, name, counted)
