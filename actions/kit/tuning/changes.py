"""What changes on each node, and what its memory is before and after. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from actions.kit.plan import SettingChange
from actions.kit.ports import Holdings
from actions.kit.snapshot import NodeView, Snapshot
from actions.kit.topology import Address
from actions.kit.tuning.look import IGNORES, Tunable
from actions.kit.tuning.wanted import BACKLOG, BUFFERS, MEMORY, NO_EVICTION, POLICY, Wanted, of_node

KEPT = 40
"""What a server keeps at least for each key beside its data, in bytes."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What maxmemory makes of what a node holds. ``used`` is what maxmemory counts; a ``limit`` of 0 is none."""

    used: int
    limit: int
    policy: str
    holds: Holdings

    @property
    def over(self) -> int:
        """So many bytes have to go at once, or writes are refused."""
        return max(0, self.used - self.limit) if self.limit else 0

    @property
    def evicts(self) -> bool:
        """Its policy lets keys go."""
        return self.policy != NO_EVICTION

    @property
    def only_expiring(self) -> bool:
        """Its policy lets only keys with an expiry go."""
        return self.policy.startswith("volatile-")

    @property
    def candidates(self) -> int:
        """So many keys may be evicted."""
        return 0 if not self.evicts else self.holds.expiring if self.only_expiring else self.holds.keys

    @property
    def going(self) -> int:
        """About so many keys have to go at once: all are taken to be of the same size."""
        return min(-(-self.over * self.holds.keys // max(1, self._data)), self.candidates)

    @property
    def too_few(self) -> bool:
        """By that measure what may be evicted is not enough."""
        return self.over * self.holds.keys > self.candidates * self._data

    @property
    def hopeless(self) -> bool:
        """Nothing that may be evicted is enough: the rest is buffers, backlog and the server itself."""
        return self.over > 0 and (not self.candidates or self.limit <= self.holds.fixed)

    @property
    def _data(self) -> int:
        """So many bytes go with the keys."""
        return self.holds.dataset + KEPT * self.holds.keys


@dataclass(frozen=True, slots=True)
class NodeChange:
    """One node that told its settings; ``changes`` in the order in which they are made, none where it has all."""

    node: NodeView
    changes: tuple[SettingChange, ...]
    before: Memory
    after: Memory
    meant: bool = True
    """Something is wanted of it."""
    ignores: bool = True
    """As a replica it leaves evicting to its master."""

    @property
    def address(self) -> Address:
        """Where it is."""
        return self.node.address

    @property
    def evicts_now(self) -> bool:
        """Keys go as soon as this is set."""
        counts = self.node.is_master or not self.ignores
        return counts and self.after.evicts and self.after.over > 0 and self.tighter

    @property
    def tighter(self) -> bool:
        """It lets less stay than before."""
        return (
            self.after.policy != self.before.policy
            or self.after.over > self.before.over
            or (self.after.limit > 0 and (not self.before.limit or self.after.limit < self.before.limit))
        )

    def change_of(self, name: str) -> SettingChange | None:
        """The change of this setting, if there is one."""
        return next((one for one in self.changes if one.name == name), None)


def changes_of(snapshot: Snapshot, wanted: Sequence[Wanted]) -> tuple[NodeChange, ...]:
    """Every node that told its settings, replicas first.

    What a server refuses is refused by a replica already, and put back before the master has evicted anything: a
    replica leaves that to its master. Where a replica takes over in between, it is set as it was meant to be.
    """
    told = [_of(node, node.tunable, wanted) for node in snapshot.nodes if node.tunable and not node.tunable.why_not]
    return tuple(sorted(told, key=lambda one: (one.node.is_master, one.address)))


def _of(node: NodeView, now: Tunable, wanted: Sequence[Wanted]) -> NodeChange:
    values = dict(now.settings)
    of_it = of_node(wanted, node.address)
    then = values | {name: one.on(values[name]) for name, one in of_it.items()}
    changes = tuple(
        SettingChange(node.address, name, then[name], values[name])
        for name in _order(values, then)
        if then[name] != values[name]
    )
    before, after = (_memory(node, now, settings, values) for settings in (values, then))
    return NodeChange(node, changes, before, after, meant=bool(of_it), ignores=values.get(IGNORES) != "no")


def _order(now: Mapping[str, str], then: Mapping[str, str]) -> tuple[str, ...]:
    """What gives room comes first, what takes it last: in between nothing is evicted or refused that need not be."""
    old, new = int(now[MEMORY]), int(then[MEMORY])
    if not new or (old and new > old):
        return (MEMORY, POLICY, BUFFERS, BACKLOG)
    return (POLICY, BUFFERS, BACKLOG, MEMORY)


def _memory(node: NodeView, now: Tunable, settings: Mapping[str, str], before: Mapping[str, str]) -> Memory:
    """A backlog counts for maxmemory, and is taken for full: it will be."""
    info, holds, more = node.info, now.holds, 0
    used = (info.used_memory or 0) - (info.stats.not_evictable or 0) if info else 0
    if info is not None and info.backlog_active:
        more = max(0, int(settings[BACKLOG]) - int(before[BACKLOG]))
    holds = replace(holds, fixed=holds.fixed + more)
    return Memory(max(0, used + more), int(settings[MEMORY]), settings[POLICY], holds)


def differing(nodes: Sequence[NodeChange]) -> Iterator[NodeChange]:
    """Those on which something changes."""
    return (one for one in nodes if one.changes)
