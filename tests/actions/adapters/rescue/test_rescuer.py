"""Rescue copies of real servers in a folder."""

import asyncio
import hashlib
import json
import re
import stat

import pytest

from actions.kit.errors import RescueDamaged, RescueFailed
from actions.kit.rescue_place import Bucket
from actions.kit.topology import Address
from sandbox.redis import build as first_build
from sandbox.redis import replication
from sandbox.s3 import LocalS3

pytestmark = pytest.mark.servers
NAME = "orders-7-node-20260101T000000Z.rdb"
FILL = "for n = 1, 3000 do redis.call('SET', 'key:' .. n, string.rep(n, 100)) end"


async def offset_of(server):
    return (await server.command("INFO", "replication"))["master_repl_offset"]


async def split(topology):
    """Two masters that go on by themselves, the first of which has taken writes since: it, and where they parted."""
    old, new = topology.nodes
    await old.command("EVAL", FILL, "0")
    while await offset_of(old) != await offset_of(new):
        await asyncio.sleep(0.02)
    await new.command("REPLICAOF", "NO", "ONE")
    for number in range(3):
        await old.command("SET", f"only-here:{number}", "x")
    await old.command("PEXPIRE", "only-here:0", "86400000")
    fork = (await new.command("INFO", "replication"))["second_repl_offset"]
    return Address.parse(old.address), fork


async def loaded(build, folder, name):
    """What a throw-away server has of the copy."""
    config = {"dbfilename": "copy.rdb", "dir": str(folder)}
    (folder / "copy.rdb").write_bytes((folder / name).read_bytes())
    async with replication(build, replicas=0, extra_config=config) as topology:
        node = topology.nodes[0]
        return await node.command("DBSIZE"), await node.command("GET", "only-here:2")


@pytest.mark.parametrize("diskless", ["yes", "no"])
async def test_all_data_of_a_fenced_node_lies_checked_in_the_folder(build, diskless, hands_on, rescue_folder):
    async with replication(build, replicas=1) as topology, hands_on(topology) as hands:
        node, fork = await split(topology)
        await topology.nodes[0].command("CONFIG", "SET", "repl-diskless-sync", diskless)
        await topology.nodes[0].command("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        offset = await hands.fence(node, 60_000, {})
        assert (await hands.rescue_room(node)).why_not == ""
        assert await hands.rescued(NAME) is None

        copy = await hands.rescue(node, NAME, {"why": "split brain"}, fork=fork)

        standing = await hands.standing(node)
        assert await hands.rescued(NAME) == copy
    data = (rescue_folder / "orders" / NAME).read_bytes()
    assert (copy.size_bytes, copy.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (copy.node, copy.name, copy.replid, copy.offset) == (node, NAME, standing.replid, offset)
    assert (copy.keys, copy.dbsize, copy.count_note) == (3003, (3003, 3003), "")
    assert "-check-rdb" in copy.checked
    assert "good, its checksum is right, 3,003 keys" in copy.checked
    assert copy.not_diverged == ""
    commands = (rescue_folder / "orders" / copy.diverged.name).read_bytes()
    assert (copy.diverged.first, copy.diverged.last) == (fork, offset)
    assert len(commands) == copy.diverged.size_bytes == offset - fork + 1
    assert commands.count(b"only-here:") == 4
    assert b"key:" not in commands
    assert await loaded(build, rescue_folder / "orders", NAME) == (3003, "x")


async def test_what_was_seen_is_kept_before_and_names_neither_keys_nor_clients(hands_on, rescue_folder):
    async with replication(first_build(), replicas=1) as topology, hands_on(topology) as hands:
        node, _ = await split(topology)
        await hands.rescue(node, NAME, {"why": "split brain"})
        clients = await topology.nodes[0].command("CLIENT", "LIST")
        replid = (await hands.standing(node)).replid

    text = (rescue_folder / "orders" / NAME.replace(".rdb", ".evidence.json")).read_text()
    seen = json.loads(text)
    assert seen["given"] == {"why": "split brain"}
    assert list(seen["nodes"]) == list(topology.node_addresses)
    first, second = seen["nodes"].values()
    assert f"master_replid:{replid}" in first["info"]
    assert first["role"][0] == second["role"][0] == "master"
    assert first["clients"]["by type"] == {"normal": 1}
    assert "only-here" not in text
    assert not re.search(r"\baddr=|:\d+->", text)
    assert re.search(r"\baddr=", clients)


async def test_only_we_can_read_what_lies_there(hands_on, rescue_folder):
    async with replication(first_build(), replicas=1) as topology, hands_on(topology) as hands:
        node, fork = await split(topology)
        await hands.rescue(node, NAME, {}, fork=fork)
    files = sorted((rescue_folder / "orders").iterdir())
    assert [file.name for file in files] == [
        NAME.replace(".rdb", end) for end in (".diverged.resp", ".evidence.json", ".json", ".rdb")
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((rescue_folder / "orders").stat().st_mode) == 0o700


async def test_a_copy_that_was_damaged_afterwards_is_none_any_more_and_is_never_written_over(hands_on, rescue_folder):
    async with replication(first_build(), replicas=1) as topology, hands_on(topology) as hands:
        node, _ = await split(topology)
        await hands.rescue(node, NAME, {})
        with pytest.raises(RescueFailed, match="is there already, and no copy is ever written over"):
            await hands.rescue(node, NAME, {})
        path = rescue_folder / "orders" / NAME
        data = path.read_bytes()
        path.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
        with pytest.raises(RescueDamaged, match=f"{NAME} is not what it was when the copy was taken"):
            await hands.rescued(NAME)
        path.unlink()
        assert await hands.rescued(NAME) is None
        assert (await hands.rescue(node, NAME, {})).keys == 3003


async def test_without_a_place_nothing_is_copied(hands_on):
    async with replication(first_build(), replicas=0) as topology, hands_on(topology, rescue=None) as hands:
        node = Address.parse(topology.node_addresses[0])
        said = "Nothing says where rescue copies of orders go: add rescue:"
        assert (await hands.rescue_room(node)).why_not.startswith(said)
        with pytest.raises(RescueFailed, match=said):
            await hands.rescue(node, NAME, {})


async def test_the_same_copy_in_a_bucket(hands_on, monkeypatch, tmp_path):
    async with LocalS3() as s3, replication(first_build(), replicas=1) as topology:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        bucket = Bucket(s3.bucket, "tandem", s3.region, s3.endpoint_url)
        async with hands_on(topology, rescue=bucket) as hands:
            node, fork = await split(topology)
            assert (await hands.rescue_room(node)).why_not == ""
            copy = await hands.rescue(node, NAME, {}, fork=fork)
            assert await hands.rescued(NAME) == copy
            assert copy.where == f"s3://{s3.bucket}/tandem/orders/{NAME}"
            stored = {key.rpartition("/")[2]: one.content for key, one in s3.objects.stored.items()}
            assert sorted(stored) == [
                NAME.replace(".rdb", end) for end in (".diverged.resp", ".evidence.json", ".json", ".rdb")
            ]
            assert hashlib.sha256(stored[NAME]).hexdigest() == copy.sha256
            assert stored[copy.diverged.name].count(b"only-here:") == 4
            with pytest.raises(RescueFailed, match="is there already"):
                await hands.rescue(node, NAME, {})
            s3.objects.damage(f"tandem/orders/{NAME}")
            with pytest.raises(RescueDamaged, match=f"{NAME} is not what it was"):
                await hands.rescued(NAME)
            s3.denied = {"UploadPart"}
            with pytest.raises(RescueFailed, match="S3 does not let us UploadPart"):
                await hands.rescue(node, f"2-{NAME}", {})
            assert (await hands.rescued(f"2-{NAME}"), s3.objects.uploads) == (None, {})
    (tmp_path / NAME).write_bytes(stored[NAME])
    assert await loaded(first_build(), tmp_path, NAME) == (3003, "x")
