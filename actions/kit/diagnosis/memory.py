"""Rules about memory: full, nearly full, evicted, fragmented, taken by buffers. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actions.kit.diagnosis.about import PROOF, about, counts, grown, mib
from actions.kit.diagnosis.facts import Facts
from actions.kit.diagnosis.room import CONTAINER, NEARLY, room_of
from actions.kit.diagnosis.tunings import more_memory, with_tuning
from actions.kit.findings import Finding, FindingId, Severity
from actions.kit.snapshot import NodeInfo, NodeView

FRAGMENTED = 1.5
"""So many times what it uses a node may hold of the machine's memory before that is worth a word."""
MUCH = 256 * 2**20
"""Less than this is no matter, whatever its share: a small data set is always fragmented."""
BIG_BUFFERS = 64 * 2**20
"""Buffers below this are no matter."""

VOLATILE = frozenset({"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"})
"""Policies that evict only keys with an expiry."""

Said = tuple[Severity, str, str, bool]
"""How bad it is, in words about the node, what INFO says, and whether that alone proves it."""


def out_of_memory(facts: Facts) -> Iterator[Finding]:
    """A master has no memory left, and refuses writes.

    It has used all of maxmemory, those buffers left out that maxmemory does not count, and its policy is noeviction;
    or, whatever its policy, it refused commands for want of memory between two looks. Certain: INFO says so. A quarter
    more is suggested where what is seen of its machine or container has room for that.
    """
    for node in facts.masters:
        used, limit = _memory(node)
        if node.info is None or not limit:
            continue
        policy = node.info.max_memory_policy
        refused = grown(facts, node, lambda info: info.errors.oom)
        said = f"used_memory {used:,} of maxmemory {limit:,}, {policy}"
        if _full(node) and policy == "noeviction":
            summary = f"The master {node.address} is out of memory and refuses writes."
            found = about(facts, FindingId.OUT_OF_MEMORY, node, Severity.CRITICAL, summary, said, does=PROOF)
            yield with_tuning(found, more_memory(facts, node))
        elif refused:
            summary = (
                f"The master {node.address} refuses writes for want of memory: {policy} finds too little to evict."
            )
            counted = counts(node, "errorstat_OOM", refused)
            found = about(facts, FindingId.OUT_OF_MEMORY, node, Severity.CRITICAL, summary, counted, said, does=PROOF)
            yield with_tuning(found, more_memory(facts, node))


def memory_pressure(facts: Facts) -> Iterator[Finding]:
    """A node is near the end of its memory, a finding for each way.

    It has used nine tenths of its maxmemory and may evict nothing, or only keys with an expiry (likely: it may have
    plenty); it holds nine tenths of what its container or machine has, or would with what its last dump took beside;
    much of it is swapped out (likely: INFO only shows that it is not resident); its clients' or replicas' buffers are
    64 MiB or more and a fifth of what it uses; a replica's maxmemory is smaller than its master's and used up: as a
    master it would evict, or refuse writes. Information where only a dump under writes could not be afforded (likely),
    or where maxmemory leaves its container no room.
    """
    for node in facts.snapshot.nodes:
        if node.info is None:
            continue
        for check in _CHECKS:
            found = check(facts, node, node.info)
            if found is not None:
                severity, words, said, sure = found
                summary = f"{node.address} {words}"
                yield about(facts, FindingId.MEMORY_PRESSURE, node, severity, summary, said, sure=sure)


def _near_limit(_facts: Facts, node: NodeView, info: NodeInfo) -> Said | None:
    used, limit = _memory(node)
    policy = info.max_memory_policy
    if not limit or used < limit * NEARLY:
        return None
    said = f"used_memory {used:,} of maxmemory {limit:,}, {policy}"
    if policy == "noeviction" and not (node.is_master and _full(node)):
        return Severity.WARNING, f"has used {used * 100 // limit} % of its maxmemory, and evicts nothing.", said, True
    if policy in VOLATILE and used >= limit and not info.evicted_keys:
        words = "has used all of its maxmemory, and has evicted no key so far: only those with an expiry may be."
        return Severity.WARNING, words, said, False
    return None


def _less_than_its_master(facts: Facts, node: NodeView, info: NodeInfo) -> Said | None:
    """A replica takes whatever its master has, whatever its own limit is: until it is a master itself."""
    followed = facts.nodes.get(info.link.master) if info.link else None
    of_master = followed.info.max_memory if followed and followed.info else None
    used, limit = _memory(node)
    if of_master is None or not 0 < limit <= used or (0 < of_master <= limit) or info.max_memory_policy == "noeviction":
        return None
    words = "has a smaller maxmemory than its master, and more data than that: as a master it would evict at once."
    return Severity.WARNING, words, f"used_memory {used:,} of maxmemory {limit:,}; its master's {of_master:,}", True


def _near_the_end(facts: Facts, node: NodeView, info: NodeInfo) -> Said | None:
    room, held = room_of(facts, node), info.stats.resident
    if room is None or held is None or held > room.size:
        return None  # More than there is: whoever says so counts otherwise.
    cow = max(info.stats.last_cow or 0, info.stats.last_aof_cow or 0)
    if held * 2 <= room.size and held + cow < room.size * NEARLY:
        return None
    said = f"used_memory_rss {held:,} of {room.size:,} of its {room.whose}"
    if held >= room.size * NEARLY:
        words = f"holds {held * 100 // room.size} % of the memory of its {room.whose}: at its end the kernel kills it."
        return Severity.WARNING, words, said, True
    if held + cow >= room.size * NEARLY:
        words = f"has no room for another dump like its last, which took {mib(cow)} beside the data."
        return Severity.WARNING, words, f"{said}; the last dump took {cow:,}", True
    if _dumps(info, node):
        words = f"holds more than half of its {room.whose}'s memory: a dump while all keys change needs as much again."
        return Severity.INFO, words, said, False
    return None


def _dumps(info: NodeInfo, node: NodeView) -> bool:
    return bool(info.aof_enabled or (node.config and node.config.save_points))


def _swapped(_facts: Facts, _node: NodeView, info: NodeInfo) -> Said | None:
    held, used = info.stats.resident, info.used_memory
    if held is None or used is None:
        return None
    touched = used - (info.backlog_bytes or 0)  # A backlog takes its memory only as it is written.
    if held < touched * 0.7 and touched - held > MUCH:
        words = f"has {mib(touched - held)} of its data elsewhere than in memory, most likely swapped out: it is slow."
        return Severity.WARNING, words, f"used_memory {used:,}, used_memory_rss {held:,}", False
    return None


def _of_replicas(_facts: Facts, _node: NodeView, info: NodeInfo) -> Said | None:
    return _buffers(info, "replicas", "mem_clients_slaves", info.stats.replica_buffers or 0)


def _of_clients(_facts: Facts, _node: NodeView, info: NodeInfo) -> Said | None:
    return _buffers(info, "clients", "mem_clients_normal", info.stats.client_buffers or 0)


def _buffers(info: NodeInfo, whose: str, name: str, size: int) -> Said | None:
    used = info.used_memory or 0
    if not BIG_BUFFERS <= size <= used or size * 5 < used:
        return None
    longest = f", the longest output buffer {info.stats.longest_output_bytes or 0:,}"
    words = f"holds {mib(size)} of buffers for its {whose}, that take too slowly what is sent to them."
    return Severity.WARNING, words, f"{name} {size:,} of used_memory {used:,}{longest}", True


def _limits(facts: Facts, node: NodeView, info: NodeInfo) -> Said | None:
    """Only of a container: there the kernel kills what takes more than its limit."""
    room = room_of(facts, node)
    if room is None or room.whose != CONTAINER or info.max_memory is None:
        return None
    said = f"maxmemory {info.max_memory:,}, the container's limit {room.size:,}"
    if info.max_memory == 0:
        words = f"has no maxmemory, and its container a limit of {mib(room.size)}: set one below it."
        return Severity.INFO, words, said, True
    if info.max_memory > room.size * NEARLY:
        words = f"may use {mib(info.max_memory)} of its container's {mib(room.size)}: leave room for buffers and dumps."
        return Severity.INFO, words, said, True
    return None


_CHECKS: tuple[Callable[[Facts, NodeView, NodeInfo], Said | None], ...] = (
    _near_limit,
    _less_than_its_master,
    _near_the_end,
    _swapped,
    _of_replicas,
    _of_clients,
    _limits,
)


def fragmented(facts: Facts) -> Iterator[Finding]:
    """A node holds much more of the machine's memory than it uses. Information, certain: INFO says so.

    Half as much again, and at least 256 MiB.
    """
    for node in facts.snapshot.nodes:
        held, used = (node.info.stats.resident, node.info.used_memory) if node.info else (None, None)
        if held and used and held >= used * FRAGMENTED and held - used >= MUCH:
            words = f"uses {mib(used)} and holds {mib(held)}: MEMORY PURGE or activedefrag may give some back."
            said = f"used_memory_rss {held:,}, used_memory {used:,}"
            yield about(facts, FindingId.FRAGMENTATION, node, Severity.INFO, f"{node.address} {words}", said)


def evicting(facts: Facts) -> Iterator[Finding]:
    """A master evicted keys between two looks. Information: a cache is meant to."""
    for node in facts.masters:
        evicted = grown(facts, node, lambda info: info.evicted_keys)
        if evicted:
            summary = f"The master {node.address} evicts keys to stay within maxmemory, {evicted.rate('keys')}."
            yield about(facts, FindingId.EVICTING, node, Severity.INFO, summary, counts(node, "evicted_keys", evicted))


def _memory(node: NodeView) -> tuple[int, int]:
    """Used and allowed; a limit of 0 is none."""
    if node.info is None or node.info.used_memory is None:
        return 0, 0
    return node.info.used_memory, node.info.max_memory or 0


def _full(node: NodeView) -> bool:
    used, limit = _memory(node)
    free = node.info.stats.not_evictable if node.info else None
    return 0 < limit <= used - (free or 0)
