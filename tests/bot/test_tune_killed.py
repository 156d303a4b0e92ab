"""A process is killed while it changes settings: the next one puts all back, or keeps all, by looking."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.registry import by_name
from bot.ledger import RunState
from sandbox.redis import Topology, builds, replication
from tests.bot import desks
from tests.failover import in_file, setting, target_of

pytestmark = pytest.mark.servers

VICTIM = """
import asyncio, os, signal, sys
from pathlib import Path
from actions.adapters import TargetHands
from actions.kit.topology import Address, Kind, Target
from actions.registry import by_name
from tests.bot import desks

folder, nodes, method, times, value = sys.argv[1:]
desks.by_name = by_name
left, real = [None] * int(times), getattr(TargetHands, method)

async def deadly(self, *args, **more):
    answer = await real(self, *args, **more)
    left.pop()
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

setattr(TargetHands, method, deadly)

async def main():
    addresses = tuple(map(Address.parse, nodes.split(",")))
    target = Target("orders", Kind.REPLICATION, nodes=addresses, timeout_ms=10_000)
    async with desks.office(target, Path(folder), lease_s=1) as here:
        request = await here.desk.ask("tune", "orders", {"maxmemory": value}, desks.ONCALL, "C0INCIDENT")
        await here.desk.approve(request.id, desks.LEAD)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def killed(topology: Topology, folder: Path, method: str, times: int, value: str) -> None:
    """A process has asked for this value, and was killed after it had done something so many times."""
    words = (str(folder), ",".join(topology.node_addresses), method, str(times), value)
    await desks.killed(VICTIM, *words)


@pytest.mark.parametrize(
    ("method", "times", "owed", "state"),
    [
        ("change_settings", 1, 1, RunState.UNDONE),
        ("change_settings", 2, 2, RunState.UNDONE),
        ("rewrite_config", 1, 0, RunState.DONE),
    ],
    ids=["after the replica", "after the master", "while the files are written"],
)
async def test_all_or_nothing(
    method: str, times: int, owed: int, state: RunState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "by_name", by_name)
    async with replication(builds()[0], replicas=1) as topology:
        await killed(topology, tmp_path, method, times, "64mb")
        async with desks.office(target_of(topology, timeout_ms=10_000), tmp_path) as here:
            (request,) = await here.desk.runs()
            assert len(await here.ledger.owed()) == owed
            await here.desk.recover(every_s=0.1)
            assert (await here.ended(request.id)).run.state is state
            assert await here.ledger.owed() == ()
            wanted = str(64 * 2**20) if state is RunState.DONE else "0"
            assert [await setting(node, "maxmemory") for node in topology.nodes] == [wanted] * 2
            kept = [bool(in_file(node, "maxmemory 64mb")) for node in topology.nodes]
            assert kept == [state is RunState.DONE] * 2
