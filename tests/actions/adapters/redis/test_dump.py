"""What a node sends a replica: as servers send it, in whatever pieces it comes, and what is none."""

import asyncio
import contextlib
import time

import pytest

from actions.adapters import connect
from actions.adapters.redis.dump import NO_PORT, names_in, replica_line
from actions.adapters.redis.reach import directly
from actions.kit.diagnosis import diagnose
from actions.kit.errors import CommandRefused, Garbled, Unreachable
from actions.kit.findings import FindingId
from actions.kit.topology import Address, Kind, Target
from sandbox.redis import sentinel
from tests.failover import target_of

MARK = b"0123456789abcdef0123456789abcdef01234567"
DATA = b"REDIS0011" + bytes(range(256)) * 3 + MARK[:20]
REPLID = "a" * 40


@contextlib.asynccontextmanager
async def sending(*pieces, then_wait=True):
    """A stand-in that takes every REPLCONF, and answers PSYNC by these pieces, one after the other."""
    heard, serving = [], []

    async def serve(reader, writer):
        serving.append(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                words = [await reader.readline()]
                for _ in range(int(words[0][1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2])
                heard.append(words[1:])
                if words[1] == b"PSYNC":
                    break
                writer.write(b"-ERR Unrecognized REPLCONF option\r\n" if words[2] == b"rdb-only" else b"+OK\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if then_wait:
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address(*server.sockets[0].getsockname()), heard
    finally:
        server.close()
        await asyncio.gather(*serving)


async def received(node, silence_s=10.0):
    target = Target("orders", Kind.REPLICATION, nodes=(node,))
    async with replica_line(target, node, directly, silence_s) as line:
        replid, offset, data = await line.full_copy()
        return replid, offset, b"".join([chunk async for chunk in data])


def in_pieces(text, size):
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 7, 39, 41, 10_000])
@pytest.mark.parametrize("head", [b"$%d\r\n" % len(DATA), b"$EOF:" + MARK + b"\r\n"], ids=["sized", "marked"])
async def test_all_of_it_and_nothing_else_in_whatever_pieces_it_comes(size, head):
    begun = b"\n\n+FULLRESYNC %s 77\r\n\n\n\n" % REPLID.encode()
    end = MARK if head.startswith(b"$EOF") else b""
    text = begun + head + DATA + end + b"*1\r\n$4\r\nping\r\n"
    async with sending(*in_pieces(text, size)) as (node, heard):
        assert await received(node) == (REPLID, 77, DATA)
    assert [b"REPLCONF", b"listening-port", str(NO_PORT).encode()] in heard
    assert heard[-1] == [b"PSYNC", b"?", b"-1"]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (b"-NOMASTERLINK Can't SYNC while not connected with my master\r\n", CommandRefused, "NOMASTERLINK Can't SYNC"),
        (b"-LOADING loading\r\n", Unreachable, "LOADING loading"),
        (b"+CONTINUE\r\n", Garbled, "PSYNC was answered by 'CONTINUE'"),
        (b"HTTP/1.1 400 Bad Request\r\n", Garbled, "PSYNC was answered by b'HTTP/1.1 400 Bad Request'"),
        (b"+FULLRESYNC x y\r\n", Garbled, "PSYNC was answered by 'FULLRESYNC x y'"),
        (b"+FULLRESYNC %s 1\r\n$x\r\n" % REPLID.encode(), Garbled, r"its data began with b'\$x'"),
        (b"+FULLRESYNC %s 1\r\n-ERR no fork\r\n" % REPLID.encode(), CommandRefused, "ERR no fork"),
        (b"+FULLRESYNC %s 1\r\n$10\r\nREDIS" % REPLID.encode(), Unreachable, "it closed the connection before all"),
        (b"x" * 5_000_000, Garbled, "what it sends is not what Redis sends a replica"),
    ],
)
async def test_what_is_no_copy_is_said_with_its_node(answer, error, said):
    async with sending(answer, then_wait=False) as (node, _):
        with pytest.raises(error, match=f"node {node}: {said}"):
            await received(node)


async def test_newlines_keep_it_alive_and_silence_does_not():
    async with sending(b"+FULLRESYNC %s 1\r\n" % REPLID.encode(), b"\n" * 100) as (node, _):
        with pytest.raises(Unreachable, match="it has sent nothing for 2 s"):
            await received(node, silence_s=2)


@pytest.mark.servers
async def test_while_a_copy_is_taken_nobody_takes_us_for_a_replica(build):
    """Neither a Sentinel, which would never forget us, nor our own look, nor what counts replicas before a write."""
    if build.version < (7, 0, 0):
        pytest.skip("only from 7.0 on a Sentinel can be told to look at its master more often than each 10 s")
    async with sentinel(build, replicas=1, sentinels=1, quorum=1) as topology:
        master, watcher = topology.nodes[0], topology.sentinels[0]
        await watcher.command("SENTINEL", "DEBUG", "info-period", "50")
        await master.command("CONFIG", "SET", "min-replicas-to-write", "1")
        await master.command("CONFIG", "SET", "repl-diskless-sync-delay", "600")  # So long it keeps us waiting.
        node, target = Address.parse(master.address), target_of(topology)
        hands = connect(target)
        async with replica_line(target, node, directly) as line:
            taking = asyncio.create_task(line.full_copy())
            while (await master.command("INFO", "replication"))["connected_slaves"] < 2:
                assert not taking.done(), taking
                await asyncio.sleep(0.02)
            attached_at = time.monotonic()
            while await looked_ms_ago(topology) >= (time.monotonic() - attached_at) * 1000:
                await asyncio.sleep(0.02)
            assert await watcher.command("SENTINEL", "CKQUORUM", topology.master_name)
            replicas = await watcher.command("SENTINEL", "REPLICAS", topology.master_name)
            snapshot = await hands.observe()
            info = await master.command("INFO", "replication")
            taking.cancel()
        await hands.aclose()

    assert info["connected_slaves"] == 2
    assert [one[one.index("name") + 1] for one in replicas] == [topology.node_addresses[1]]
    assert [str(one.address) for one in snapshot.node(node).info.replicas] == [topology.node_addresses[1]]
    assert snapshot.node(node).info.good_replicas == info["min_slaves_good_slaves"] == 1
    assert {finding.id for finding in diagnose(snapshot).findings} <= {
        FindingId.HEALTHY,
        FindingId.SENTINEL_MISCONFIGURED,
    }


async def looked_ms_ago(topology):
    """How long ago the Sentinel asked the master for INFO."""
    (watcher,) = topology.sentinels
    said = await watcher.command("SENTINEL", "MASTER", topology.master_name)
    return int(dict(zip(said[::2], said[1::2], strict=True))["info-refresh"])


def test_commands_are_told_by_their_names_alone():
    sent = b"*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nset\r\n$6\r\nsecret\r\n$3\r\na\r\n\r\n"
    assert names_in(sent + b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n") == {"PING", "SET", "DEL"}
    assert names_in(b"") == frozenset()
    for wrong in (b"+OK\r\n", b"*0\r\n", b"nonsense\r\n"):
        with pytest.raises(Garbled):
            names_in(wrong)
