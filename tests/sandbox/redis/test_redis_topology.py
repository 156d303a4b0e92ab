import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest
import redis.asyncio
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from sandbox.redis import Build, Topology, build, builds, replication, sentinel

pytestmark = pytest.mark.servers

each_build = pytest.mark.parametrize("server", builds(), ids=lambda one: one.name)


def client(topology: Topology, address: str, username: str | None, password: str | None) -> redis.asyncio.Redis:
    host, port = address.split(":")
    tls = {"ssl": True, "ssl_ca_certs": str(topology.tls.ca_file)} if topology.tls else {}
    return redis.asyncio.Redis(
        host=host, port=int(port), username=username, password=password, decode_responses=True, protocol=2, **tls
    )


def test_builds_are_found_by_name_and_others_named_in_the_refusal():
    for one in builds():
        assert build(one.name) == one
        assert one.name.startswith(("valkey-", "redis-"))
    with pytest.raises(LookupError, match=r"There is no server redis-1\.0 on this machine; there is: "):
        build("redis-1.0")


def test_one_more_build_comes_from_the_environment(monkeypatch, tmp_path):
    fake = tmp_path / "server"
    fake.write_text('#!/bin/sh\necho "Redis server v=99.8.7 sha=0"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("TANDEM_REDIS_SERVER", str(fake))
    assert build("redis-99.8") == Build("redis-99.8", fake, (99, 8, 7), is_valkey=False)


@each_build
async def test_sentinels_know_the_replicas_and_each_other(server):
    async with sentinel(server) as topology:
        master = await topology.master()
        assert master is topology.nodes[0]
        assert len(topology.node_addresses) == len(topology.sentinel_addresses) == 3
        for one in topology.sentinels:
            host, port = await one.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", topology.master_name)
            assert f"{host}:{port}" == master.address
            assert (await one.command("SENTINEL", "CKQUORUM", topology.master_name)).startswith("OK 3 usable")
        await master.command("SET", "colour", "blue")
        assert await master.command("WAIT", 2, 5000) == 2
        assert await topology.nodes[2].command("GET", "colour") == "blue"


@each_build
async def test_the_sentinels_fail_over_when_the_master_is_killed_and_it_returns_as_a_replica(server):
    async with sentinel(server, down_after_ms=1000) as topology:
        old = await topology.master()
        await old.kill()
        assert not old.running
        async with asyncio.timeout(60):
            while not await topology.masters():
                await asyncio.sleep(0.05)
        assert await topology.master() is not old
        await old.restart()
        async with asyncio.timeout(120):  # On a busy machine they may have failed over once more meanwhile.
            while old in (masters := await topology.masters()) or len(masters) != 1:
                await asyncio.sleep(0.05)


@each_build
async def test_without_sentinels_a_replica_can_be_promoted_by_hand(server):
    async with replication(server, replicas=1) as topology:
        assert topology.sentinels == ()
        await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
        assert await topology.masters() == topology.nodes
        with pytest.raises(TimeoutError, match="2 masters"):
            await topology.ready(timeout_s=0.1)


@each_build
async def test_config_rewrite_needs_a_config_file(server):
    async with replication(server, replicas=0, extra_config={"maxmemory": "64mb"}) as topology:
        node = topology.nodes[0]
        assert (await node.command("CONFIG", "GET", "maxmemory"))[1] == str(64 * 1024 * 1024)
        await node.command("CONFIG", "SET", "maxmemory", "128mb")
        await node.command("CONFIG", "REWRITE")
        await node.restart()
        assert (await node.command("CONFIG", "GET", "maxmemory"))[1] == str(128 * 1024 * 1024)
    async with replication(server, replicas=0, config_file=False) as topology:
        with pytest.raises(ResponseError, match="without a config file"):
            await topology.nodes[0].command("CONFIG", "REWRITE")


@each_build
async def test_acl_user_may_fail_over_and_no_more(server):
    async with sentinel(server, acl=True, replicas=1) as topology:
        master, replica = topology.nodes
        async with client(topology, master.address, topology.username, topology.password) as tandem:
            assert (await tandem.execute_command("ROLE"))[0] == "master"
            await tandem.config_set("min-replicas-to-write", 0)
            await tandem.execute_command("CONFIG", "REWRITE")
            await tandem.execute_command("CLIENT", "PAUSE", "1", "WRITE")
            await tandem.execute_command("CLIENT", "UNPAUSE")
            await tandem.execute_command("CLIENT", "LIST")
            await tandem.set("tandem:probe:1", "x", nx=True, ex=30)
            assert await tandem.wait(1, 5000) == 1
            for refused in (("SET", "order:1", "x"), ("GET", "order:1"), ("FLUSHALL",), ("KEYS", "*"), ("ACL", "LIST")):
                with pytest.raises(NoPermissionError):
                    await tandem.execute_command(*refused)
        async with client(topology, replica.address, topology.username, topology.password) as tandem:
            assert await tandem.get("tandem:probe:1") == "x"
        asked = topology.sentinel_addresses[0]
        async with client(topology, asked, topology.sentinel_username, topology.sentinel_password) as tandem:
            await tandem.execute_command("SENTINEL", "CKQUORUM", topology.master_name)
            async with tandem.pubsub() as events:
                await events.psubscribe("+switch-master")
            with pytest.raises(NoPermissionError):
                await tandem.execute_command("SENTINEL", "REMOVE", topology.master_name)


@each_build
async def test_passwords_are_asked_for_on_nodes_and_sentinels(server):
    async with sentinel(server, password="data", sentinel_password="watch", replicas=1) as topology:
        assert (topology.username, topology.password, topology.sentinel_password) == (None, "data", "watch")
        for address in (topology.node_addresses[0], topology.sentinel_addresses[0]):
            async with client(topology, address, None, None) as stranger:
                with pytest.raises(RedisError, match=r"(?i)authentication required"):
                    await stranger.ping()


@each_build
async def test_tls(server):
    if not server.has_tls:
        pytest.skip(f"{server.name} was built without TLS")
    async with sentinel(server, tls=True, acl=True) as topology:
        assert topology.tls
        async with client(topology, topology.node_addresses[0], topology.username, topology.password) as encrypted:
            assert await encrypted.ping()
        host, port = topology.node_addresses[0].split(":")
        async with redis.asyncio.Redis(host=host, port=int(port), retry=None) as plain:
            with pytest.raises((RedisError, OSError)):
                await plain.ping()


async def test_a_hung_server_is_running_and_not_counted_as_master():
    async with replication(builds()[0], replicas=0) as topology:
        node = topology.nodes[0]
        await node.hang()
        assert node.running
        assert await topology.masters() == ()
        with pytest.raises((RedisError, OSError)):
            await node.command("PING", timeout_s=0.2)
        await node.resume()
        assert await topology.master() is node


async def test_what_only_looks_is_asked_again_where_the_connection_breaks():
    """A Sentinel breaks those of all clients when it changes a node's role."""
    heard = []

    async def every_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"PING\r\n" if b"*1" in await reader.readline() else b"1\r\n"))
        if len(heard) % 2 == 0:
            writer.write(b"+PONG\r\n")
            await writer.drain()
        writer.close()

    async with (
        replication(builds()[0], replicas=0) as topology,
        await asyncio.start_server(every_second, "127.0.0.1", 0) as stand_in,
    ):
        node = topology.nodes[0]
        node.spec = replace(node.spec, bind=stand_in.sockets[0].getsockname())
        assert await node.command("PING") is True
        with pytest.raises(Broken, match="closed by server"):
            await node.command("SET", "a", "1")
    assert len(heard) == 3


async def test_topologies_do_not_share_addresses_and_leave_nothing_behind():
    async with sentinel(builds()[0], replicas=1, links=True) as one, sentinel(builds()[0], replicas=1) as other:
        assert one.master_name != other.master_name
        addresses = [*one.node_addresses, *one.sentinel_addresses, *other.node_addresses, *other.sentinel_addresses]
        assert len(set(addresses)) == len(addresses)
        children = psutil.Process().children(recursive=True)
        pids = {server.pid for topology in (one, other) for server in (*topology.nodes, *topology.sentinels)}
        assert pids <= {child.pid for child in children}
        await one.nodes[1].hang()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not one.directory.exists()


async def test_a_server_that_cannot_start_says_why():
    with pytest.raises(RuntimeError, match=r"(?s)node-1 .* did not start:.*no-such-directive"):
        async with replication(builds()[0], replicas=0, extra_config={"no-such-directive": "1"}):
            pass


_DIES = """
import asyncio, os, signal
from sandbox.redis import WriteLoad, builds, sentinel
async def main():
    async with sentinel(builds()[0], links=True) as topology, WriteLoad(topology, process=True):
        print(flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills children with their parent")
def test_nothing_survives_a_killed_run():
    with subprocess.Popen([sys.executable, "-c", _DIES], stdout=subprocess.PIPE) as run:
        assert run.stdout
        run.stdout.readline()
        children = psutil.Process(run.pid).children(recursive=True)
        assert len(children) == 8
        os.kill(run.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs([one for one in children if one.is_running()], timeout=20)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
