"""Who sees whom, and how: a row for each node and Sentinel, what each vantage point says of it, and what contradicts.

It tells "we cannot reach it" from "nobody can", and a master from what others take for one. It judges nothing: findings
do, by the same words. No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actions.kit.diagnosis import facts_of
from actions.kit.diagnosis.voice import Reach
from actions.kit.sights import Point, Sight, all_sights
from actions.kit.snapshot import Role, Snapshot
from actions.kit.topology import Address

AGREED, NOBODY, SOME, ROLES = range(4)
"""How much a row wants to be looked at: all reach it; none does; some do; they differ about its role."""

FEW = 2
"""So many of one kind are named; of more it is said how many they are."""


@dataclass(frozen=True, slots=True)
class Row:
    """One node or Sentinel, and all that is said of it; ``note``: what follows where not all is well, in a sentence."""

    address: Address
    is_sentinel: bool
    sights: tuple[Sight, ...]
    weight: int
    note: str = ""

    def of(self, point: Point) -> tuple[Sight, ...]:
        """What the vantage points of this kind say of it."""
        return tuple(sight for sight in self.sights if sight.point is point)

    @property
    def contradicted(self) -> bool:
        """One vantage point says otherwise than another one."""
        return self.weight in (SOME, ROLES)


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows, in the order of the snapshot: nodes, Sentinels, and those that only others know of."""

    rows: tuple[Row, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """The kinds of vantage points that say anything."""
        said = {sight.point for row in self.rows for sight in row.sights}
        return tuple(point for point in Point if point in said)

    @property
    def worst_first(self) -> tuple[Row, ...]:
        """The rows that want to be looked at."""
        return tuple(sorted((row for row in self.rows if row.weight), key=lambda row: -row.weight))


def matrix(snapshot: Snapshot) -> Matrix:
    """Who sees whom in this snapshot."""
    facts = facts_of(snapshot)
    places = {alias: node.address for node in snapshot.nodes for alias in node.also}
    said: dict[Address, list[Sight]] = {node.address: [] for node in snapshot.nodes}
    sentinels = [view.address for view in snapshot.sentinels]
    said |= {address: [] for address in sentinels}
    for address, sight in all_sights(facts):
        said.setdefault(places.get(address, address), []).append(sight)
    known = {peer for _, master in facts.opinions for peer in master.peers}
    masters = [] if facts.in_cluster else [node.address for node in facts.masters]
    return Matrix(tuple(_row(one, one in known or one in sentinels, sights, masters) for one, sights in said.items()))


def _row(address: Address, is_sentinel: bool, sights: list[Sight], masters: list[Address]) -> Row:
    rivals = [one for one in masters if one != address] if address in masters else []
    roles = _roles(sights)
    if len(roles) > 1 or rivals:
        return Row(address, is_sentinel, tuple(sights), ROLES, _on_roles(roles, rivals))
    yes, no = ([sight for sight in sights if sight.reach is reach] for reach in (Reach.YES, Reach.NO))
    if not no:
        return Row(address, is_sentinel, tuple(sights), AGREED)
    if not yes:
        return Row(address, is_sentinel, tuple(sights), NOBODY, _on_nobody(sights, no))
    return Row(address, is_sentinel, tuple(sights), SOME, _on_some(yes, no))


def _roles(sights: list[Sight]) -> Mapping[Role, list[Sight]]:
    roles: dict[Role, list[Sight]] = {}
    for sight in sights:
        if sight.role is not None:
            roles.setdefault(sight.role, []).append(sight)
    return roles


def _on_roles(roles: Mapping[Role, list[Sight]], rivals: list[Address]) -> str:
    parts = [f"{role} for {listed(sights, us='itself')}" for role, sights in sorted(roles.items())]
    also = [f"{', '.join(map(str, rivals))} is a master too"] if rivals else []
    return "; ".join([*parts, *also] if len(parts) > 1 else also)


def _on_nobody(sights: list[Sight], no: list[Sight]) -> str:
    if len(sights) > len(no):
        return f"not reached by {listed(no)}; others cannot tell"
    if all(sight.point is Point.US for sight in no):
        return "we cannot reach it, and nobody else says whether they do"
    return "nobody reaches it"


def _on_some(yes: list[Sight], no: list[Sight]) -> str:
    if all(sight.point is Point.US for sight in no):
        return f"we cannot reach it, but {listed(yes)} can"
    return f"reached by {listed(yes)}, not by {listed(no)}"


def listed(sights: Sequence[Sight], us: str = "us") -> str:
    """Who says so, in words: ``us, 10.0.0.2:6379 and Sentinel 10.1.0.1:26379``; of many how many they are."""
    *first, last = _names(sights, us)
    return f"{', '.join(first)} and {last}" if first else last


def _names(sights: Sequence[Sight], us: str) -> Iterator[str]:
    for point in Point:
        by = sorted({str(name) for sight in sights if sight.point is point for name in sight.by})
        if point is Point.US and by:
            yield us
        elif len(by) > FEW:
            yield f"{len(by):,} {point}"
        else:
            yield from (f"Sentinel {name}" if point is Point.SENTINELS else name for name in by)
