"""``python -m bench.compare_once WAY FIRST SECOND RATE``: one comparison in a process of its own; prints what it took.

``tandem`` is the product. ``naive`` is what one writes first: the names of both sides in two sets, then DUMP.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import redis

from actions.adapters.redis import RedisHands
from actions.kit.comparison import Bounds
from actions.kit.topology import Address, Kind, Target

BATCH = 1_000


async def tandem(first: Address, second: Address, rate: int) -> tuple[int, int, int, int]:
    """Only on the first, only on the second, different, the same."""
    hands = RedisHands(Target(name="bench", kind=Kind.REPLICATION, nodes=(first, second)))
    try:
        found = await hands.compare_keys(first, second, Bounds(rate=rate))
    finally:
        await hands.aclose()
    if not found.complete or found.undecided:
        raise RuntimeError(f"{found.why_incomplete} {found.undecided} undecided")
    return found.only_first, found.only_second, found.different, found.same


def naive(first: Address, second: Address) -> tuple[int, int, int, int]:
    """The same."""
    one, other = (redis.Redis(node.host, node.port) for node in (first, second))
    ours, theirs = set(one.scan_iter(count=BATCH)), set(other.scan_iter(count=BATCH))
    both = list(ours & theirs)
    different = 0
    for start in range(0, len(both), BATCH):
        dumps = []
        for client in (one, other):
            pipeline = client.pipeline(transaction=False)
            for name in both[start : start + BATCH]:
                pipeline.dump(name)
            dumps.append(pipeline.execute())
        different += sum(mine != yours for mine, yours in zip(*dumps, strict=True))
    one.close()
    other.close()
    return len(ours - theirs), len(theirs - ours), different, len(both) - different


def main() -> None:
    """Compare once, and say what it took: seconds, and by how much the memory of this process grew at most, in MB."""
    way, *ends, rate = sys.argv[1:]
    first, second = map(Address.parse, ends)
    before, started = _peak_mb(), time.monotonic()
    counts = asyncio.run(tandem(first, second, int(rate))) if way == "tandem" else naive(first, second)
    taken = {"seconds": time.monotonic() - started, "memory_mb": _peak_mb() - before, "counts": counts}
    print(json.dumps(taken))


def _peak_mb() -> float:
    """Of this program alone: getrusage also counts who started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
