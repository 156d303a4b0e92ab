"""Real nodes that are asked over and over: one that is killed, one that hangs, and what a cluster's node says of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from actions.adapters.redis.probing import Beat, Prober
from actions.kit.cluster.signs import parse_signs
from actions.kit.topology import Address, Credentials, Kind, Target
from sandbox.redis import Shape, build, cluster, replication


class Heard:
    """Everything that was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.beats: list[Beat] = []
        self._news = asyncio.Event()

    def told(self, beat: Beat) -> None:
        self.beats.append(beat)
        self._news.set()

    async def waits_for(self, wanted: Callable[[Beat], bool]) -> Beat:
        """The next beat of this kind, of those that come from now on."""
        self.beats.clear()
        async with asyncio.timeout(60):
            while (found := next(filter(wanted, self.beats), None)) is None:
                self._news.clear()
                await self._news.wait()
        return found


@contextlib.asynccontextmanager
async def asking(
    target: Target, *addresses: Address, every_s: float = 1.0, timeout_s: float = 30.0
) -> AsyncIterator[tuple[Prober, Heard]]:
    heard = Heard()
    prober = Prober(every_s, timeout_s, heard.told)
    prober.start()
    try:
        for address in addresses:
            prober.follow(target, address)
        yield prober, heard
    finally:
        await prober.aclose()


async def test_who_is_killed_or_hangs_gives_no_answer_and_is_heard_again(target_of):
    async with replication(build(None)) as topology:
        target = target_of(topology)
        async with asking(target, *target.nodes, timeout_s=1.0) as (prober, heard):
            first, second = target.nodes[:2]
            await heard.waits_for(lambda beat: beat.address == first and b"role:master" in beat.info)
            await topology.nodes[0].kill()
            await heard.waits_for(lambda beat: beat.address == first and beat.why == "the connection was refused")
            await topology.nodes[0].start()
            await heard.waits_for(lambda beat: beat.address == first and b"role:master" in beat.info)
            await topology.nodes[1].hang()
            await heard.waits_for(lambda beat: beat.address == second and "no answer within" in beat.why)
            await topology.nodes[1].resume()
            await heard.waits_for(lambda beat: beat.address == second and b"role:slave" in beat.info)
            prober.leave(target.name, second)
            heard.beats.clear()
            await heard.waits_for(lambda beat: beat.address == first)
            assert all(beat.address != second for beat in heard.beats)


async def test_whoever_lets_nobody_in_is_there(target_of):
    async with replication(build(None), replicas=0, password="secret") as topology:
        wrong = target_of(topology, auth=Credentials(None, "wrong"))
        async with asking(wrong, wrong.nodes[0]) as (prober, heard):
            assert await prober.ask("orders", wrong.nodes[0], "PING") is None
            refused = await heard.waits_for(lambda beat: bool(beat.refused))
            assert refused.refused.startswith("WRONGPASS")
            assert not any(beat.why or beat.info for beat in heard.beats)


async def test_some_nodes_of_a_cluster_say_how_it_is():
    async with cluster(build(None), Shape(shards=3, replicas=0)) as topology:
        nodes = tuple(map(Address.parse, topology.node_addresses))
        target = Target("carts", Kind.CLUSTER, nodes=nodes, auth=Credentials(topology.username, topology.password))
        async with asking(target, *nodes) as (prober, heard):
            prober.tell_of_cluster("carts", nodes[:1])
            said = await heard.waits_for(lambda beat: bool(beat.cluster))
            assert said.address == nodes[0]
            signs = parse_signs(said.cluster)
            assert signs is not None
            assert signs.well


async def test_a_server_that_refuses_and_hangs_up_is_not_asked_again_and_again():
    calls, many, enough = 0, asyncio.Event(), asyncio.Event()

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        (enough if calls < 12 else many).set()
        await reader.read(100)
        writer.write(b"-ERR max number of clients reached\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuses, "127.0.0.1", 0) as server:
        address = Address(*server.sockets[0].getsockname())
        async with asking(Target("orders", Kind.REPLICATION, nodes=(address,)), address, every_s=600) as (_, heard):
            await asyncio.wait_for(enough.wait(), 60)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(many.wait(), 1)
            assert not heard.beats
