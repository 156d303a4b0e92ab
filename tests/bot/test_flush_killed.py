"""A process is killed in the middle of a flush: the next one puts all back or goes on, by looking, and flushes once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from actions.kit.flushing import planned
from actions.kit.rescue_place import Folder
from actions.registry import by_name
from bot.ledger import RunState
from sandbox.redis import Topology, builds, loaded, replication
from tests.bot import desks
from tests.failover import setting, target_of
from tests.flushing import OLD, copies_in, counted, filled

pytestmark = pytest.mark.servers

VICTIM = """
import asyncio, os, signal, sys
from pathlib import Path
from actions.adapters import TargetHands
from actions.kit.flushing import planned
from actions.kit.rescue_place import Folder
from actions.kit.topology import Address, Kind, Target
from actions.registry import by_name
from tests.bot import desks

folder, nodes, method = sys.argv[1:]
desks.by_name, planned.LOOK_AGAIN_S = by_name, 1
real = getattr(TargetHands, method)

async def deadly(self, *args, **more):
    await real(self, *args, **more)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(TargetHands, method, deadly)

async def main():
    addresses = tuple(map(Address.parse, nodes.split(",")))
    rescue = Folder(folder + "/copies")
    target = Target("orders", Kind.REPLICATION, nodes=addresses, timeout_ms=10_000, rescue=rescue)
    async with desks.office(target, Path(folder), lease_s=1) as here:
        request = await here.desk.ask("flush", "orders", {}, desks.ONCALL, "C0INCIDENT")
        await here.desk.approve(request.id, desks.LEAD, "orders")
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def killed(topology: Topology, folder: Path, method: str) -> None:
    """A process was killed as soon as it had done this."""
    words = (str(folder), ",".join(topology.node_addresses), method)
    await desks.killed(VICTIM, *words)


@pytest.mark.parametrize(
    ("method", "state"),
    [("rescue", RunState.UNDONE), ("flush", RunState.DONE)],
    ids=["after the copy", "after the flush was sent"],
)
async def test_it_is_flushed_once_or_not_at_all(
    method: str, state: RunState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "by_name", by_name)
    monkeypatch.setattr(planned, "LOOK_AGAIN_S", 1)
    async with replication(builds()[0], replicas=0) as topology:
        (master,) = topology.nodes
        await filled(master)
        await killed(topology, tmp_path, method)
        if state is RunState.DONE:
            await master.command("SET", "new", "1")
        target = replace(target_of(topology, timeout_ms=10_000), rescue=Folder(str(tmp_path / "copies")))
        async with desks.office(target, tmp_path) as here:
            (request,) = await here.desk.runs()
            assert len(await here.ledger.owed()) == 1
            await here.desk.recover(every_s=0.1)
            assert (await here.ended(request.id)).run.state is state
            assert await here.ledger.owed() == ()
        assert await setting(master, "min-replicas-to-write") == "0"
        assert await counted(master) == ({0: 1} if state is RunState.DONE else OLD)
        (copy,) = copies_in(tmp_path / "copies")
        async with loaded(builds()[0], copy) as server:
            assert await counted(server) == OLD
