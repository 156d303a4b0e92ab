"""Runs the writers in a process of their own: the first line of standard input says what to write, its end stops it.

Every 50 ms a line of JSON tells what was acknowledged: [[writer, number, monotonic seconds], …].
"""

import asyncio
import contextlib
import json
import sys

from sandbox.redis.writers import LoadSpec
from sandbox.redis.writing import write

_REPORT_S = 0.05


async def main() -> None:
    """Write until standard input ends, then tell the rest."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    spec = LoadSpec.from_json(await reader.readline())
    acknowledged: list[tuple[int, int, float]] = []
    writing = asyncio.create_task(write(spec, lambda *one: acknowledged.append(one)))
    ending = asyncio.create_task(reader.read())
    while not ending.done():
        await asyncio.wait((ending, writing), timeout=_REPORT_S, return_when=asyncio.FIRST_COMPLETED)
        if writing.done():
            # Writers never end by themselves: let the error be seen.
            await writing
        _report(acknowledged)
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    _report(acknowledged)


def _report(acknowledged: list[tuple[int, int, float]]) -> None:
    if acknowledged:
        sys.stdout.write(json.dumps(acknowledged) + "\n")
        sys.stdout.flush()
        acknowledged.clear()


if __name__ == "__main__":
    asyncio.run(main())
