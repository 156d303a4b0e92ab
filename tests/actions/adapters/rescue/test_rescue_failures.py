"""A copy that does not come about: nothing lies under its name, nothing half is left, and it can be tried again."""

import asyncio
import contextlib
import re
import resource
import shutil

import pytest

from actions.adapters.rescue import FolderStore, Rescuer
from actions.kit.errors import AccessDenied, RescueFailed, Unreachable
from actions.kit.topology import Address
from sandbox.redis import build as first_build
from sandbox.redis import replication

pytestmark = pytest.mark.servers
NAME = "orders-7-node-20260101T000000Z.rdb"
FILL = "for n = 1, 2000 do redis.call('SET', 'key:' .. n, string.rep(n, 200)) end"
KEPT = [NAME.replace(".rdb", ".evidence.json")]


@contextlib.asynccontextmanager
async def slow_node(**settings):
    """A node that takes long to send its data: the topology, and its address."""
    async with replication(first_build(), replicas=0, **settings) as topology:
        node = topology.nodes[0]
        await node.command("EVAL", FILL, "0")
        await node.command("CONFIG", "SET", "rdbcompression", "no")
        await node.command("CONFIG", "SET", "rdb-key-save-delay", "20000")
        yield topology, Address.parse(node.address)


async def under_way(folder, taking):
    """Wait until a part of the copy lies in the folder."""
    while not any(file.stat().st_size for file in folder.glob(f"orders/.{NAME}.partial")):
        if taking.done():
            await taking
        await asyncio.sleep(0.02)


def left(folder):
    return sorted(file.name for file in (folder / "orders").iterdir())


async def test_a_node_that_dies_in_the_middle(hands_on, rescue_folder):
    async with slow_node(appendonly=True) as (topology, node), hands_on(topology) as hands:
        taking = asyncio.create_task(hands.rescue(node, NAME, {}))
        await under_way(rescue_folder, taking)
        await topology.nodes[0].kill()
        with pytest.raises(Unreachable, match=f"node {node}: it closed the connection before all was sent"):
            await taking
        assert left(rescue_folder) == KEPT
        assert await hands.rescued(NAME) is None

        seen_first = (rescue_folder / "orders" / KEPT[0]).read_text()
        await topology.nodes[0].restart()
        assert (await hands.rescue(node, NAME, {"second": True})).keys == 2000
        assert (rescue_folder / "orders" / KEPT[0]).read_text() == seen_first


async def test_a_node_that_hangs_in_the_middle_is_waited_for_only_so_long_as_it_is_silent(hands_on, rescue_folder):
    async with slow_node() as (topology, node), hands_on(topology) as hands:
        store = FolderStore(str(rescue_folder), "orders")
        rescuer = Rescuer(hands.target, store, hands._reach, hands._node, silence_s=4)

        async def evidence():
            return b"{}"

        taking = asyncio.create_task(rescuer.take(node, NAME, evidence, None))
        await under_way(rescue_folder, taking)
        await topology.nodes[0].hang()
        with pytest.raises(Unreachable, match=f"node {node}: it has sent nothing for 4 s"):
            await taking
        await topology.nodes[0].resume()
    assert left(rescue_folder) == KEPT


async def test_whoever_gives_up_leaves_nothing_half(hands_on, rescue_folder):
    async with slow_node() as (topology, node), hands_on(topology) as hands:
        taking = asyncio.create_task(hands.rescue(node, NAME, {}))
        await under_way(rescue_folder, taking)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert left(rescue_folder) == KEPT

        # A process that was killed removes nothing: who comes next does.
        (rescue_folder / "orders" / ".another.rdb.partial").write_bytes(b"half")
        await topology.nodes[0].command("CONFIG", "SET", "rdb-key-save-delay", "0")
        await hands.rescue(node, NAME, {})
        assert left(rescue_folder) == [*KEPT, NAME.replace(".rdb", ".json"), NAME]


async def test_a_disk_that_fills_in_the_middle(hands_on, rescue_folder):
    async with slow_node() as (topology, node), hands_on(topology) as hands:
        await topology.nodes[0].command("CONFIG", "SET", "rdb-key-save-delay", "0")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(
                RescueFailed, match=r"There is no room left in .*orders after [\d,]+ bytes: File too large"
            ):
                await hands.rescue(node, NAME, {})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert left(rescue_folder) == KEPT
        assert await hands.rescued(NAME) is None


async def test_a_disk_that_has_too_little_room_is_said_before_anything_is_begun(hands_on, rescue_folder, monkeypatch):
    async with slow_node() as (topology, node), hands_on(topology) as hands:
        real = await hands.rescue_room(node)
        assert real.free_bytes > real.needs_bytes > 500_000
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6 - 4096, 4096))
        room = await hands.rescue_room(node)
        assert room.why_not.startswith(f"folder {rescue_folder / 'orders'} has 4,096 bytes free, and a copy of {node}")
        with pytest.raises(RescueFailed, match="has 4,096 bytes free"):
            await hands.rescue(node, NAME, {})
        assert left(rescue_folder) == []


async def test_a_place_that_is_none(hands_on, rescue_folder):
    rescue_folder.write_text("a file")
    async with replication(first_build(), replicas=0) as topology, hands_on(topology) as hands:
        node = Address.parse(topology.node_addresses[0])
        room = await hands.rescue_room(node)
        assert room.why_not == (
            f"{rescue_folder / 'orders'} cannot be written: Not a directory. It is where rescue copies go."
        )
        with pytest.raises(RescueFailed, match="Not a directory"):
            await hands.rescue(node, NAME, {})


async def test_a_user_who_may_not_copy_is_told_which_rights_are_missing(build, hands_on, rescue_folder):
    said = "may not: ACL SETUSER tandem +psync +replconf on that node allows it"
    async with replication(build, replicas=1, acl=True) as topology, hands_on(topology) as hands:
        node = Address.parse(topology.node_addresses[0])
        for missing in ("psync", "replconf"):
            await topology.nodes[0].command("ACL", "SETUSER", "tandem", "+psync", "+replconf", f"-{missing}")
            assert said in (await hands.rescue_room(node)).why_not
            with pytest.raises(RescueFailed, match=re.escape(said)):
                await hands.rescue(node, NAME, {})
        assert not rescue_folder.exists()
        await topology.nodes[0].command("ACL", "SETUSER", "tandem", "+psync", "+replconf")
        forks = (await topology.nodes[0].command("INFO", "stats"))["total_forks"]
        assert (await hands.rescue_room(node)).why_not == ""
        assert (await topology.nodes[0].command("INFO", "stats"))["total_forks"] == forks
        assert (await hands.rescue(node, NAME, {})).keys == 0


async def test_a_right_that_is_missed_only_when_it_is_needed(hands_on, rescue_folder):
    """A node without a backlog would fork where the right is tried."""
    async with replication(first_build(), replicas=0, acl=True) as topology, hands_on(topology) as hands:
        node = Address.parse(topology.node_addresses[0])
        await topology.nodes[0].command("ACL", "SETUSER", "tandem", "+replconf")
        assert (await hands.rescue_room(node)).why_not == ""
        with pytest.raises(AccessDenied, match=r"ACL SETUSER tandem \+psync \+replconf on that node allows it"):
            await hands.rescue(node, NAME, {})
        assert left(rescue_folder) == KEPT


async def test_by_tls_and_with_a_password(tls_build, hands_on, rescue_folder):
    secured = replication(tls_build, replicas=0, tls=True, password="correct-horse")
    async with secured as topology, hands_on(topology) as hands:
        node = Address.parse(topology.node_addresses[0])
        await topology.nodes[0].command("EVAL", FILL, "0")
        copy = await hands.rescue(node, NAME, {})
        assert copy.keys == 2000
        assert await hands.rescued(NAME) == copy
    assert "correct-horse" not in "".join(
        file.read_text(errors="replace") for file in (rescue_folder / "orders").iterdir()
    )
