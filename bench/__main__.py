"""``python -m bench [NAME …]``: runs the comparisons in order and prints them as Markdown tables."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench import (
    alerts,
    cluster,
    commands,
    comparing,
    diagnosis,
    elasticache,
    failover,
    health,
    overhead,
    replicas,
    replication,
    serve,
)


@dataclass(frozen=True, slots=True)
class _Bench:
    main: Callable[[int], Awaitable[None]]
    runs: int
    quick: int


BENCHES = {
    "failover": _Bench(failover.main, runs=20, quick=1),
    "replication": _Bench(replication.main, runs=20, quick=1),
    "cluster": _Bench(cluster.main, runs=8, quick=1),
    "elasticache": _Bench(elasticache.main, runs=5, quick=1),
    "commands": _Bench(commands.main, runs=3, quick=1),
    "comparing": _Bench(comparing.main, runs=2, quick=1),
    "diagnosis": _Bench(diagnosis.main, runs=15, quick=2),
    "health": _Bench(health.main, runs=15, quick=3),
    "overhead": _Bench(overhead.main, runs=15, quick=3),
    "replicas": _Bench(replicas.main, runs=5, quick=1),
    "alerts": _Bench(alerts.main, runs=5, quick=1),
    "serve": _Bench(serve.main, runs=3, quick=1),
}


def main() -> None:
    """Run what was named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all without one")
    parser.add_argument("--runs", type=int, metavar="N", help="how often, instead of each one's own number")
    parser.add_argument("--quick", action="store_true", help="few runs, to see that it works")
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHES)
    if unknown:
        parser.error(f"there is no {min(unknown)}; there is {', '.join(BENCHES)}")
    if given.runs is not None and given.runs < 1:
        parser.error("--runs has to be 1 or more")
    # Without compiled modules, which every installed program has, a start measures the compiler.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    cores = os.cpu_count()
    print(f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}\n", flush=True)
    asyncio.run(_run(given.names or list(BENCHES), given.runs, quick=given.quick))


async def _run(names: list[str], runs: int | None, *, quick: bool) -> None:
    for name in names:
        bench = BENCHES[name]
        await bench.main(runs or (bench.quick if quick else bench.runs))


if __name__ == "__main__":
    main()
