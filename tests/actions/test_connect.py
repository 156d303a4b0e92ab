"""``connect``: every snippet is run as it is printed, on real servers that fail over and break connections."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from actions import connect as action
from actions.adapters import connect
from actions.kit.connecting import CLIENTS
from sandbox.redis import build, builds, sentinel
from tests.failover import target_of
from tests.snippets import Cutter, application

PASSWORD = "shop-password"
SHOP = ("ACL", "SETUSER", "shop", "on", f">{PASSWORD}", "~*", "&*", "+@all")
ASKING = ("ACL", "SETUSER", "shop", "on", f">{PASSWORD}", "+sentinel|masters", "+sentinel|slaves")
ENVIRONMENT = {"REDIS_USERNAME": "shop", "REDIS_PASSWORD": PASSWORD}
ENVIRONMENT |= {"REDIS_SENTINEL_USERNAME": "shop", "REDIS_SENTINEL_PASSWORD": PASSWORD}


async def printed(target, progress):
    """What is printed for this target, and what is remarked."""
    hands = connect(target)
    try:
        seen = await action.ACTION.look(hands, {}, progress)
    finally:
        await hands.aclose()
    assert tuple(one.client for one in seen.connection.snippets) == CLIENTS
    texts = {one.client: one.text for one in seen.connection.snippets}
    for secret in filter(None, (target.auth.password, target.sentinel_auth.password)):
        assert not any(secret in text for text in (*texts.values(), *seen.connection.remarks))
    return texts, seen.connection.remarks


@asynccontextmanager
async def applications(texts, directory, environment):
    """One process for each Python snippet."""
    async with AsyncExitStack() as stack:
        opened = (application(texts[client], directory / client, environment) for client in ("redis-py", "asyncio"))
        yield [await stack.enter_async_context(one) for one in opened]


async def counted(app, key, times):
    """How many of so many INCR were acknowledged."""
    return sum([isinstance(await app.does("INCR", key), int) for _ in range(times)])


@pytest.mark.servers
async def test_by_sentinels_nothing_is_done_twice_when_connections_break_and_the_master_dies(tmp_path, progress):
    server = next((one for one in builds() if one.has_tls), build())
    settings = {"replicas": 1, "acl": True, "tls": server.has_tls, "links": True}
    async with sentinel(server, **settings) as topology:
        await asyncio.gather(*(node.command(*SHOP) for node in topology.nodes))
        await asyncio.gather(*(one.command(*ASKING) for one in topology.sentinels))
        await topology.sentinels[0].kill()
        texts, remarks = await printed(target_of(topology, timeout_ms=3_000), progress)
        assert remarks[0] == (
            f"1 of 3 Sentinels does not answer us: {topology.sentinel_addresses[0]} (refused). "
            "It stays in the list: a client asks the next one."
        )
        assert any("+sentinel|masters" in one for one in remarks)

        master, replica = topology.nodes
        cutter = Cutter(master.spec.bind)
        environment = ENVIRONMENT | ({"REDIS_CA_FILE": str(topology.tls.ca_file)} if topology.tls else {})
        async with cutter.listening() as way, applications(texts, tmp_path, environment) as apps:
            await topology.link(master).lead_to(way)
            for app in apps:
                await _cut(app, cutter, master)
                await _refused(app, master)
            await master.kill()
            await asyncio.gather(*(_carries_on(app, replica, f"ids-{number}") for number, app in enumerate(apps)))


async def _cut(app, cutter, server):
    """The connection breaks with a command under way that was done."""
    assert await app.does("SET", "count", 0, repeatable=True) in ("OK", True)
    answer, times = None, 0
    while not isinstance(answer, dict):  # A Sentinel's connection may have been cut instead.
        assert answer in (None, times)
        cutter.arm()
        answer, times = await app.does("INCR", "count"), times + 1
    assert answer["error"] == "ConnectionError"
    assert await server.command("GET", "count") == str(times), "done, and not known"
    assert await app.does("INCR", "count") == times + 1, "the next one finds its way"
    cutter.arm()
    assert await app.does("SET", "count", 7, repeatable=True) in ("OK", True)
    assert await app.does("MULTI", ["INCR", "count"], ["INCR", "count"]) == [8, 9]


async def _refused(app, server):
    """A master that has become a replica has done nothing: what it refuses is asked again."""
    before = await _refusals(server)
    await server.command("REPLICAOF", "127.0.0.1", 1)
    asking = asyncio.create_task(app.does("INCR", "count"))
    while await _refusals(server) == before:
        await asyncio.sleep(0.02)
    await server.command("REPLICAOF", "NO", "ONE")
    assert await asking == 10


async def _refusals(server):
    return (await server.command("INFO", "errorstats")).get("errorstat_READONLY")


async def _carries_on(app, new, key):
    """Each is there at most once, whoever took it, until the new master takes them."""
    answers = [await app.does("RPUSH", key, 0)]
    while not isinstance(answers[-1], int):
        answers.append(await app.does("RPUSH", key, len(answers)))
    ids = await new.command("LRANGE", key, 0, -1)
    assert ids == [str(len(answers) - 1)]
    assert len(answers) < 4, "what was not sent is in no doubt"
