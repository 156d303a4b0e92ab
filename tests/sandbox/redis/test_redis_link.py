import asyncio
import time

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sandbox.redis import Server, builds, replication, sentinel
from sandbox.redis.link_classify import Classifier

pytestmark = pytest.mark.servers

each_build = pytest.mark.parametrize("server", builds(), ids=lambda one: one.name)


def resp(*words: str) -> bytes:
    return f"*{len(words)}\r\n".encode() + b"".join(f"${len(word)}\r\n{word}\r\n".encode() for word in words)


REPLICA = (
    resp("PING")
    + resp("AUTH", "secret")
    + resp("REPLCONF", "listening-port", "6379")
    + resp("REPLCONF", "ip-address", "127.1.2.3")
    + resp("REPLCONF", "capa", "eof", "capa", "psync2")
    + resp("PSYNC", "?", "-1")
)


@pytest.mark.parametrize(
    ("opening", "kind"),
    [
        (REPLICA, "replica"),
        (resp("AUTH", "x") + resp("CLIENT", "SETNAME", "sentinel-0123abcd-cmd") + resp("PING"), "sentinel"),
        (resp("CLIENT", "SETNAME", "orders"), "client"),
        (resp("HELLO", "3"), "client"),
        (resp("PING") + resp("PING"), "client"),
        (resp("GET", "key"), "client"),
        (b"GET key\r\n", "client"),
        (resp("PING"), "unknown"),
        (resp("AUTH", "x"), "unknown"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_who_speaks_is_told_by_the_first_commands_however_they_are_cut_up(opening, kind, size):
    classifier = Classifier()
    for at in range(0, len(opening), size):
        classifier.feed(opening[at : at + size])
    assert classifier.kind == kind
    if kind == "replica":
        assert classifier.replica_address == "127.1.2.3:6379"


def test_a_command_of_great_length_is_a_clients():
    assert Classifier().feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99999\r\n" + 17_000 * b"x") == "client"


def client(server: Server, timeout_s: float = 30) -> redis.asyncio.Redis:
    host, port = server.address.split(":")
    return redis.asyncio.Redis(host=host, port=int(port), socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0))


async def replicated(master: Server, key: str, replica: Server) -> float:
    """Seconds from before the write to the key's arrival at the replica: never less than the link's delay."""
    start = time.monotonic()
    await master.command("SET", key, "1")
    while not await replica.command("EXISTS", key):
        await asyncio.sleep(0.002)
    return time.monotonic() - start


async def taken(through_link: redis.asyncio.Redis, key: str) -> float:
    """Seconds that a client's write takes."""
    start = time.monotonic()
    await through_link.set(key, "1")
    return time.monotonic() - start


async def linked(replica: Server, status: str) -> None:
    async with asyncio.timeout(90):
        while (await replica.command("INFO", "replication"))["master_link_status"] != status:
            await asyncio.sleep(0.02)


@each_build
async def test_replication_is_delayed_and_clients_are_not(server):
    async with replication(server, replicas=1, links=True) as topology:
        master, replica = topology.nodes
        async with client(master) as through_link:
            await through_link.ping()
            before = min([await replicated(master, f"before:{n}", replica) for n in range(5)])
            await topology.link(master).delay_replication(0.4)
            after = min([await replicated(master, f"after:{n}", replica) for n in range(3)])
            answered = min([await taken(through_link, f"client:{n}") for n in range(5)])
        assert after >= 0.4
        assert before < after / 2
        assert answered < after / 2


@each_build
async def test_delayed_replication_is_not_throttled_and_keeps_its_order(server):
    async with replication(server, replicas=1, links=True) as topology:
        master, replica = topology.nodes
        await topology.link(master).delay_replication(0.2)
        async with client(master) as through_link:
            for n in range(2000):
                await through_link.rpush("list", n)
        start = time.monotonic()
        while await replica.command("LLEN", "list") < 2000:
            await asyncio.sleep(0.01)
        # Two thousand lengths of the delay would have passed if pieces waited for each other.
        assert time.monotonic() - start < 30
        assert await replica.command("LRANGE", "list", 0, -1) == [str(n) for n in range(2000)]


@each_build
async def test_one_replica_is_cut_off_and_returns(server):
    async with replication(server, links=True) as topology:
        master, cut, other = topology.nodes
        await topology.link(master).cut_replica(cut.address)
        await linked(cut, "down")
        await asyncio.sleep(1.5)  # Long enough for a replica that is not refused to return.
        await linked(cut, "down")
        await linked(other, "up")
        await topology.link(master).heal()
        await linked(cut, "up")


async def test_a_cut_is_for_the_kinds_that_were_named():
    async with replication(builds()[0], replicas=1, links=True) as topology:
        master, replica = topology.nodes
        link = topology.link(master)
        async with client(master) as through_link:
            await through_link.ping()
            await link.cut()
            await linked(replica, "down")
            assert await through_link.ping()
            await link.heal()
            await link.cut(replicas=False, sentinels=False, clients=True)
            await linked(replica, "up")
            with pytest.raises((RedisError, OSError)):
                await through_link.ping()
            await link.heal()
            assert await through_link.ping()


async def test_a_black_hole_accepts_and_answers_nothing_until_healed():
    async with replication(builds()[0], replicas=1, links=True) as topology:
        master, replica = topology.nodes
        link = topology.link(master)
        await link.black_hole()
        async with client(master, timeout_s=0.5) as through_link:
            # A connection is made, and its first command times out.
            with pytest.raises(redis.exceptions.TimeoutError):
                await through_link.ping()
        await master.command("SET", "meanwhile", "1")
        assert not await replica.command("EXISTS", "meanwhile")
        await link.heal()
        async with asyncio.timeout(60):
            while not await replica.command("EXISTS", "meanwhile"):
                await asyncio.sleep(0.02)


async def test_sentinels_cut_off_from_a_healthy_master_call_it_down():
    async with sentinel(builds()[0], links=True, down_after_ms=1000, replicas=1, sentinels=1, quorum=1) as topology:
        await topology.link(topology.nodes[0]).cut(replicas=False, sentinels=True)
        async with asyncio.timeout(60):
            while (await topology.nodes[1].command("ROLE"))[0] != "master":
                await asyncio.sleep(0.05)
        assert await topology.nodes[0].command("PING")


async def test_without_links_there_is_none_to_disturb():
    async with replication(builds()[0], replicas=0) as topology:
        with pytest.raises(LookupError, match="without links"):
            topology.link(topology.nodes[0])
