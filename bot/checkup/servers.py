"""Whether each server of a target answers, lets us do what we have to and no more, and goes by the same clock."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from actions.kit.errors import ActionError
from actions.kit.rights import Right, Rights
from actions.kit.snapshot import NodeView, SentinelView, Snapshot
from actions.kit.topology import Address, Target
from bot.checkup.checks import Check, State
from bot.render.words import counted, listed

MAX_SKEW_S = 2.0
"""Clocks that differ by more make times on one time line lie."""
SHOWN = 3


class Servers(Protocol):
    """One target's servers; ``actions.adapters.TargetHands``."""

    async def observe(self) -> Snapshot:
        """Look at all of them."""

    async def rights(self, server: Address) -> Rights:
        """What our user may do there."""

    async def aclose(self) -> None:
        """Close every connection."""


async def target(one: Target, connect: Callable[[Target], Servers]) -> tuple[Check, ...]:
    """Everything about the servers of one target."""
    servers = connect(one)
    try:
        snapshot = await servers.observe()
        answering = [view.address for view in _views(snapshot) if _answers(view)]
        rights = await asyncio.gather(*(servers.rights(address) for address in answering), return_exceptions=True)
    except ActionError as error:
        return (Check(one.name, State.FAULT, str(error)),)
    finally:
        await servers.aclose()
    tried = dict(zip(answering, rights, strict=True))
    return (*_answering(snapshot), *_allowed(one.name, tried), *_clocks(snapshot))


def _views(snapshot: Snapshot) -> tuple[NodeView | SentinelView, ...]:
    return (*snapshot.nodes, *snapshot.sentinels)


def _answers(view: NodeView | SentinelView) -> bool:
    return view.info is not None if isinstance(view, NodeView) else view.master is not None


def _answering(snapshot: Snapshot) -> Iterator[Check]:
    views = _views(snapshot)
    silent = [view for view in views if not _answers(view)]
    for view in silent:
        what = "Sentinel" if isinstance(view, SentinelView) else "node"
        why = view.unasked.why if view.unasked else f"it does not know the master {snapshot.master_name}"
        yield Check(snapshot.target, State.FAULT, f"{what} {view.address}: {why}", f"tandem diagnose {snapshot.target}")
    for source, unasked in (("AWS", snapshot.group), ("Kubernetes", snapshot.kubernetes)):
        why_not = unasked.unasked if unasked else None
        if why_not is not None:
            yield Check(snapshot.target, State.FAULT, f"{source}: {why_not.why}")
        elif unasked is not None:
            yield Check(snapshot.target, State.OK, f"{source} answers.")
    if not views:
        yield Check(snapshot.target, State.FAULT, "Nobody names a node of it.", "List its nodes in targets.yaml.")
    elif not silent:
        sentinels = f" and {counted(len(snapshot.sentinels), 'Sentinel')}" if snapshot.sentinels else ""
        yield Check(snapshot.target, State.OK, f"{counted(len(snapshot.nodes), 'node')}{sentinels} answer.")


def _allowed(name: str, tried: dict[Address, Rights | BaseException]) -> Iterator[Check]:
    """One check for each right that is missing or too many, with where; silence is a check of its own."""
    missing: defaultdict[Right, list[Address]] = defaultdict(list)
    too_many: defaultdict[Right, list[Address]] = defaultdict(list)
    absent: defaultdict[Right, list[Address]] = defaultdict(list)
    for address, rights in tried.items():
        if isinstance(rights, BaseException):
            yield Check(name, State.UNKNOWN, f"What our user may do at {address} was not found out: {rights}")
            continue
        for found, kept in ((rights.missing, missing), (rights.too_many, too_many), (rights.unknown, absent)):
            for right in found:
                kept[right].append(address)
    rule = "docs/operations.md lists the rights for the ACL user."
    for right, where in missing.items():
        said = f"Our user may not {right.name} at {_few(where)}: it takes that to {right.purpose}."
        yield Check(name, State.FAULT, said, f"ACL SETUSER … +{right.name} there. {rule}")
    for right, where in absent.items():
        said = f"There is no {right.name} at {_few(where)}, renamed or switched off: it takes that to {right.purpose}."
        yield Check(name, State.FAULT, said, "Give the command its name back.")
    if too_many:
        where = sorted({address for each in too_many.values() for address in each})
        may = listed([right.name for right in too_many])
        said = f"Our user may do more than Tandem ever does at {_few(where)}, such as {may}."
        yield Check(name, State.WARNING, said, f"Give it a user of its own. {rule}")
    if tried and not missing and not absent and not too_many and not any(_raised(tried.values())):
        yield Check(name, State.OK, "Our user may do what a run takes, and no more.")


def _raised(rights: Iterable[Rights | BaseException]) -> Iterator[BaseException]:
    return (one for one in rights if isinstance(one, BaseException))


def _clocks(snapshot: Snapshot) -> Iterator[Check]:
    here = snapshot.observed_at.timestamp()
    told = {node.address: node.info.stats.time_us for node in snapshot.nodes if node.info is not None}
    skews = {address: at / 1e6 - here for address, at in told.items() if at is not None}
    allowed = MAX_SKEW_S + snapshot.took_ms / 1_000
    apart = {address: skew for address, skew in skews.items() if abs(skew) > allowed}
    for address, skew in apart.items():
        ahead = "ahead of" if skew > 0 else "behind"
        said = f"The clock of {address} is {abs(skew):,.0f} s {ahead} that of this machine."
        yield Check(snapshot.target, State.WARNING, said, "Times on a time line are by both: mend the one that is off.")
    if skews and not apart:
        yield Check(snapshot.target, State.OK, f"{counted(len(skews), 'clock')} and ours agree within {allowed:.1f} s.")


def clock_of(date: datetime, about: str, now: datetime | None = None) -> Check:
    """Whether our clock agrees with the time that an answer over HTTP tells; Slack refuses what is 5 minutes off."""
    skew = ((now or datetime.now(UTC)) - date).total_seconds()
    if abs(skew) <= MAX_SKEW_S + 1:  # The answer's time has whole seconds.
        return Check(about, State.OK, "Its clock and ours agree.")
    state = State.FAULT if abs(skew) > 300 else State.WARNING
    said = f"The clock of this machine is {abs(skew):,.0f} s {'ahead' if skew > 0 else 'behind'}."
    return Check(about, state, said, "Set it by NTP: Slack refuses what is signed 5 minutes off, and times lie.")


def _few(where: Sequence[Address]) -> str:
    more = f" and {len(where) - SHOWN} more" if len(where) > SHOWN else ""
    return ", ".join(map(str, where[:SHOWN])) + more
