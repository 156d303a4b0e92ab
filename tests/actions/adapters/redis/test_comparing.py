"""Keys of two real servers compared: of two versions, of every type, under change, and when one of them dies."""

import asyncio
import contextlib
import time
from collections import Counter

import pytest
import redis.asyncio

from actions.adapters.redis import RedisHands
from actions.adapters.redis.comparing import BATCH, RIGHTS
from actions.kit.comparison import Bounds, Found
from actions.kit.errors import CommandRefused
from actions.kit.topology import Address, Credentials, Kind, Target
from sandbox.redis import builds, replication

pytestmark = pytest.mark.servers
BUILD = builds()[0]

KINDS = """
local d = tonumber(ARGV[1])
local from, to, step = 1, 600, 1
if d == 2 then from, to, step = 600, 1, -1 end
redis.call('SET', 'text', 'a'); redis.call('SETRANGE', 'long', 200000, 'z'); redis.call('PFADD', 'about', 'x', 'y')
for i = from, to, step do
  redis.call('SADD', 'set', 'm' .. i); redis.call('HSET', 'hash', 'f' .. i, i)
  redis.call('ZADD', 'zset', i / 10, 'm' .. i)
  redis.call('SADD', 'large-set', string.rep('s', 100) .. i); redis.call('HSET', 'large-hash', i, string.rep('h', 100))
  redis.call('ZADD', 'large-zset', i / 3, string.rep('z', 100) .. i)
end
for i = 1, 600 do
  redis.call('RPUSH', 'list', i); redis.call('RPUSH', 'large-list', string.rep('l', 100) .. i)
  redis.call('XADD', 'stream', i .. '-1', 'f', i)
  redis.call('XADD', 'large-stream', i .. '-1', 'f', string.rep('x', 100))
end
for _, name in ipairs({'stream', 'large-stream'}) do
  redis.call('XGROUP', 'CREATE', name, 'g', '0')
  redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 150, 'STREAMS', name, '>')
end
for _, name in ipairs({'text', 'set'}) do redis.call('PEXPIREAT', name, 4102444800000 + d) end
redis.call('SELECT', 3); redis.call('SET', 'text', 'of another database')
"""
ALIKE = 14
CHANGES = (
    ("SET", "text", "a"),  # Without its expiry.
    ("SETRANGE", "long", 150_000, "y"),
    ("SREM", "set", "m7"),
    ("HSET", "hash", "f7", "x"),
    ("ZADD", "zset", 7.5, "m7"),
    ("LSET", "list", 7, "x"),
    ("XACK", "stream", "g", "7-1"),
    ("SREM", "large-set", "s" * 100 + "7"),
    ("HSET", "large-hash", 7, "x"),
    ("ZADD", "large-zset", 7.5, "z" * 100 + "7"),
    ("LSET", "large-list", 599, "x"),
    ("XCLAIM", "large-stream", "g", "another", 0, "140-1", "JUSTID"),
    ("PFADD", "about", "z"),
)
ALLOWED = {
    True: ("+@read", "-@dangerous", "+info", "+role", "+select", "+time", "+client|no-touch", "%R~*"),
    False: ("+@read", "-@dangerous", "+info", "+role", "+select", "+time", "~*"),
}
FILL = "for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do redis.call('SET', 'key:' .. i, ARGV[3]) end"
SMALL_PARTS = Bounds(memory_bytes=64 * 4096, names=100)


@contextlib.asynccontextmanager
async def pair(other=BUILD):
    """Two servers that know nothing of one another, and hands on both."""
    async with replication(BUILD, replicas=0) as one, replication(other, replicas=0) as two:
        nodes = tuple(Address.parse(topology.node_addresses[0]) for topology in (one, two))
        target = Target(name="orders", kind=Kind.REPLICATION, nodes=nodes)
        hands = RedisHands(target)
        try:
            yield one.nodes[0], two.nodes[0], lambda bounds=None: hands.compare_keys(*nodes, bounds or Bounds())
        finally:
            await hands.aclose()


def counts(result):
    return (result.only_first, result.only_second, result.different, result.same, result.undecided)


def client_of(server):
    host, port = server.address.split(":")
    return redis.asyncio.Redis(host=host, port=int(port))


async def asked_for(server, keys):
    """Wait until it was asked about so many keys: all but the last batch of them are compared by then."""
    while int((await server.command("INFO", "commandstats")).get("cmdstat_type", {"calls": 0})["calls"]) < keys:
        await asyncio.sleep(0.01)


async def filled(*servers):
    for turn, server in enumerate(servers, 1):
        await server.command("EVAL", KINDS, 0, turn)


@pytest.mark.skipif(len(builds()) < 2, reason="there is only one build here")
async def test_every_type_of_two_versions():
    async with pair(builds()[-1]) as (first, second, compare):
        await filled(first, second)
        alike = await compare(SMALL_PARTS)
        for change in CHANGES:
            await second.command(*change)
        await first.command("SET", "only here", 1)
        await second.command("HSET", "only there", "f", 1)
        await second.command("DEL", "about")
        await second.command("SADD", "about", "another type")
        changed = await compare(SMALL_PARTS)
        whole = await compare()
    assert alike.complete, alike.why_incomplete
    assert (counts(alike), alike.alike, alike.names) == ((0, 0, 0, ALIKE, 0), True, ())
    assert counts(changed) == counts(whole) == (1, 1, len(CHANGES), ALIKE - len(CHANGES), 0)
    assert changed.complete
    assert not changed.alike
    found = {name.name: name.found for name in changed.names}
    assert found == {str(one[1]).encode(): Found.DIFFERENT for one in CHANGES} | {
        b"only here": Found.ONLY_FIRST,
        b"only there": Found.ONLY_SECOND,
    }
    assert whole.names == ()


async def test_fields_that_expire_at_other_times():
    """What no server here can tell, the test leaves out."""
    async with pair() as (first, second, compare):
        try:
            await first.command("HPEXPIRETIME", "none", "FIELDS", 1, "f")
        except redis.ResponseError:
            pytest.skip("fields of a hash do not expire here")
        for server in (first, second):
            await server.command(
                "EVAL", "for i = 1, 600 do redis.call('HSET', 'large', i, string.rep('x', 100)) end", 0
            )
            for key in ("alike", "other"):
                await server.command("HSET", key, "f", 1, "g", 2)
                await server.command("HPEXPIREAT", key, 4102444800000, "FIELDS", 1, "f")
        alike = await compare(SMALL_PARTS)
        await second.command("HPERSIST", "other", "FIELDS", 1, "f")
        await second.command("HPEXPIREAT", "large", 4102444800000, "FIELDS", 1, "599")
        changed = await compare(SMALL_PARTS)
    assert alike.alike, alike.why_incomplete
    assert counts(changed) == (0, 0, 2, 1, 0)
    assert {name.name for name in changed.names} == {b"other", b"large"}


async def test_a_key_of_many_elements_is_bounded_in_time_as_well():
    async with pair() as (first, second, compare):
        for server in (first, second):
            await server.command("EVAL", "for i = 1, 5000 do redis.call('SADD', 'large', i * 100003) end", 0)
        result = await compare(Bounds(memory_bytes=64 * 4096, rate=2_000, seconds=1))
    assert not result.complete
    assert "stopped after 1 s" in result.why_incomplete
    assert result.same == 0


async def test_100_000_keys_that_differ():
    """By their types: the values of what differs so far are not read."""
    async with pair() as (first, second, compare):
        await first.command("EVAL", FILL, 0, 1, 100_000, "x", timeout_s=60)
        await second.command("EVAL", FILL.replace("SET", "RPUSH"), 0, 1, 100_000, "x", timeout_s=60)
        result = await compare(Bounds(rate=1_000_000, names=7))
    assert result.complete, result.why_incomplete
    assert counts(result) == (0, 0, 100_000, 0, 0)
    assert Counter(name.found for name in result.names) == {Found.DIFFERENT: 7}


async def test_keys_that_expire_and_change_meanwhile():
    async with pair() as (first, second, compare):
        for server in (first, second):
            await server.command("EVAL", FILL, 0, 1, 10 * BATCH, "x")
        await first.command("SET", "leaving", 1, "PX", 100)
        await second.command("SET", "leaving", 1, "PX", 1)
        await first.command("SET", "moving", 1)
        await second.command("SET", "moving", -1)
        slow = asyncio.create_task(compare(Bounds(rate=5 * BATCH)))
        async with client_of(first) as one, client_of(second) as other:
            while not slow.done():
                turn = time.monotonic_ns()
                await asyncio.gather(one.set("moving", turn), other.set("moving", -turn))
        result = await slow
    assert result.complete, result.why_incomplete
    assert (result.only_first, result.only_second, result.same) == (0, 0, 10 * BATCH)
    assert result.different + result.undecided == 1, "different if a side stood still between two looks by chance"


async def test_a_node_that_dies_meanwhile_leaves_the_comparison_incomplete():
    async with pair() as (first, second, compare):
        for server in (first, second):
            await server.command("EVAL", FILL, 0, 1, 20 * BATCH, "x")
        running = asyncio.create_task(compare(Bounds(rate=4 * BATCH)))
        await asked_for(second, 3 * BATCH)
        await second.kill()
        result = await running
    assert not result.complete
    assert not result.alike
    assert 0 < result.same < 20 * BATCH
    assert str(result.second) in result.why_incomplete


async def test_a_node_that_becomes_a_replica_meanwhile_leaves_the_comparison_incomplete():
    async with pair() as (first, second, compare):
        for server in (first, second):
            await server.command("EVAL", FILL, 0, 1, 20 * BATCH, "x")
        running = asyncio.create_task(compare(Bounds(rate=10 * BATCH)))
        await asked_for(second, 3 * BATCH)
        await second.command("REPLICAOF", "127.0.0.1", 1)
        result = await running
    assert (result.complete, result.same) == (False, 20 * BATCH)
    assert "changed its role" in result.why_incomplete


async def test_what_it_may_cost_is_kept_to():
    async with pair() as (first, second, compare):
        for server in (first, second):
            await server.command("EVAL", FILL, 0, 1, 4 * BATCH, "x")
        slow = await compare(Bounds(rate=4 * BATCH))
        short = await compare(Bounds(rate=BATCH, seconds=1.5))
        few = await compare(Bounds(keys=BATCH))
    assert (slow.complete, slow.same) == (True, 4 * BATCH)
    assert slow.seconds > 1.5, "eight batches at four a second, the first of which waits for none"
    assert "stopped after 1.5 s" in short.why_incomplete
    assert not short.complete
    assert short.same < 4 * BATCH
    assert f"stopped after {BATCH}" in few.why_incomplete


async def test_one_server_under_two_names_is_not_compared():
    async with replication(BUILD, replicas=0) as topology:
        node = Address.parse(topology.node_addresses[0])
        hands = RedisHands(Target(name="orders", kind=Kind.REPLICATION, nodes=(node,)))
        with pytest.raises(CommandRefused, match="same server"):
            await hands.compare_keys(node, node, Bounds())
        await hands.aclose()


async def test_what_the_user_may_not_do_is_said_with_what_it_needs():
    async with replication(BUILD, replicas=1, acl=True) as topology:
        nodes = tuple(map(Address.parse, topology.node_addresses))
        who = Credentials(topology.username, topology.password)
        hands = RedisHands(Target(name="orders", kind=Kind.REPLICATION, nodes=nodes, auth=who))
        await topology.nodes[0].command("EVAL", FILL, 0, 1, BATCH, "x")
        try:
            refused = await hands.compare_keys(*nodes, Bounds())
            for server in topology.nodes:
                await server.command("ACL", "SETUSER", topology.username, *ALLOWED[BUILD.version >= (7,)])
            allowed = await hands.compare_keys(*nodes, Bounds())
        finally:
            await hands.aclose()
    assert not refused.complete
    assert "NOPERM" in refused.why_incomplete
    assert RIGHTS in refused.why_incomplete
    assert allowed.alike, allowed.why_incomplete
