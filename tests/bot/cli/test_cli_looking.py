"""`health`, `diagnose`, `verify`, `status` and `plan` against real servers, healthy and not."""

import asyncio
import re

import pytest

from actions.kit.connecting import CLIENTS
from actions.kit.topology import Address
from sandbox.redis import build, replication, sentinel
from tests.bot.cli.conftest import left_by_a_bot, of

pytestmark = pytest.mark.servers


async def test_a_healthy_target_for_people_and_for_programs(terminal):
    async with sentinel(build()) as topology:
        terminal.targets(orders=of(topology))
        master, *replicas = topology.node_addresses

        health = await terminal.types("health orders")
        assert (health.code, health.err) == (0, "")
        lines = health.out.splitlines()
        assert lines[0].startswith("orders (sentinel)  healthy")
        assert lines[1].startswith(f"{master}  master")
        assert [line[:4] for line in lines[2:4]] == ["├── ", "└── "]
        assert all(replica in health.out for replica in replicas)
        assert all(f"{one}  names {master}, epoch 0, quorum ok" in health.out for one in topology.sentinel_addresses)
        assert "\x1b" not in health.out

        diagnosis = await terminal.types("diagnose --json orders")
        assert (diagnosis.code, diagnosis.err) == (0, "")
        assert list(diagnosis.json) == [
            *("target", "kind", "observed_at", "verdict", "confidence"),
            *("master", "findings", "nodes", "sentinels", "unasked", "matrix"),
        ]
        assert [row["note"] for row in diagnosis.json["matrix"]["rows"]] == [""] * 6
        assert diagnosis.json["matrix"]["points"] == ["us", "nodes", "Sentinels"]
        assert (diagnosis.json["verdict"], diagnosis.json["master"]) == ("healthy", master)
        assert list(diagnosis.json["findings"][0]) == [
            *("id", "severity", "confidence", "summary", "nodes", "evidence", "suggests")
        ]
        first = diagnosis.json["nodes"][0]
        assert list(first) == ["address", "role", "reachable", "error", "replid", "offset", "lag_bytes", "link"]
        assert (first["address"], first["role"], first["link"]) == (master, "master", None)
        assert {node["link"] for node in diagnosis.json["nodes"][1:]} == {"up"}
        assert all(node["lag_bytes"] < 10_000 for node in diagnosis.json["nodes"][1:])
        assert len(diagnosis.json["sentinels"]) == 3

        connection = await terminal.types("connect orders --client redis-py")
        assert (connection.code, connection.err) == (0, "")
        assert all(str(tuple(Address.parse(one))) in connection.out for one in topology.sentinel_addresses)
        compile(connection.out, "snippet.py", "exec")
        shown = await terminal.says("connect orders")
        assert all(f"(--client {client})" in shown.out for client in CLIENTS)
        assert (await terminal.says("connect orders --json")).json["snippets"][0]["text"] == connection.out
        unknown = await terminal.says("connect orders --client jedis")
        assert (unknown.code, unknown.err) == (
            2,
            "There is no snippet for 'jedis'; there are redis-py, asyncio, env, redis-cli.\n",
        )

        verified = await terminal.types("verify orders --again 0 --json")
        assert (verified.code, verified.json["ok"]) == (0, True)
        assert any("takes a write" in check["title"] for check in verified.json["checks"])


async def test_a_plan_says_everything_and_changes_nothing(terminal):
    async with sentinel(build()) as topology:
        terminal.targets(orders=of(topology))
        master, first, second = topology.node_addresses

        plan = await terminal.types(f"plan failover orders --to {second} --json")
        assert (plan.code, plan.err) == (0, "")
        assert list(plan.json) == [
            *("target", "action", "risk", "because", "cost", "candidate", "rejected", "steps", "fingerprint"),
            "approvals_needed",
        ]
        assert list(plan.json["cost"]) == ["loss_bytes", "loss_keys", "pause_ms", "notes"]
        assert (plan.json["candidate"], plan.json["risk"], plan.json["approvals_needed"]) == (second, "destructive", 1)
        assert [one["node"] for one in plan.json["rejected"]] == [first]
        assert all(list(step) == ["title", "command"] for step in plan.json["steps"])

        shown = await terminal.types(f"plan failover orders --to {second}")
        assert shown.code == 0
        assert f"Candidate {second}" in shown.out
        assert "Nothing was changed." in shown.out
        assert (await topology.master()).address == master

        refused = await terminal.types(f"plan failover orders --to {master} --json")
        assert refused.code == 3
        assert list(refused.json) == ["refusal"]
        assert list(refused.json["refusal"]) == ["reason", "findings"]
        assert master in refused.json["refusal"]["reason"]


async def test_nodes_that_are_down_and_hung_are_said_to_be(terminal):
    async with sentinel(build()) as topology:
        orders = of(topology, limits={"timeout_ms": 1_000})
        terminal.targets(orders=orders, carts={"kind": "cluster", "nodes": ["127.0.0.1:1"]})
        down, hung = topology.nodes[1:]
        await down.kill()
        await hung.hang()
        await topology.sentinels[0].hang()

        health = await terminal.types("health orders")
        assert health.code in {1, 5}
        assert re.search(rf"{down.address}  NO ANSWER, .*refused", health.out)
        assert re.search(rf"{hung.address}  NO ANSWER, timed out", health.out)
        assert re.search(rf"{topology.sentinel_addresses[0]}  NO ANSWER, timed out", health.out)

        diagnosis = await terminal.types("diagnose orders --json")
        assert diagnosis.code in {1, 5}
        errors = {node["address"]: node["error"] for node in diagnosis.json["nodes"]}
        assert errors[down.address].startswith("refused: ")
        assert errors[hung.address].startswith("timed out: ")
        assert len(diagnosis.json["unasked"]) >= 3
        assert "Looking again" not in diagnosis.err, "nothing of it is told by growth"

        fleet = await terminal.types("status --json")
        by_name = {one["target"]: one for one in fleet.json["targets"]}
        assert by_name["carts"]["verdict"] == "undetermined"
        assert "no node told us of its cluster" in by_name["carts"]["summary"]
        assert by_name["orders"]["verdict"] != "healthy"
        assert fleet.code in {1, 5}

        verified = await terminal.types("verify orders --again 0")
        assert verified.code == 1
        assert "FAILED" in verified.out


async def test_a_master_that_is_down_is_a_fault(terminal):
    async with sentinel(build(), down_after_ms=60_000) as topology:
        terminal.targets(orders=of(topology))
        await topology.nodes[0].kill()

        diagnosis = await terminal.types("diagnose orders --json")
        assert diagnosis.json["nodes"][0]["reachable"] is False
        assert diagnosis.json["verdict"] in {"master-down", "master-unreachable"}
        assert diagnosis.code in {1, 5}


async def test_a_password_is_needed_and_comes_from_a_file(terminal):
    async with sentinel(build(), acl=True) as topology:
        terminal.targets(orders=of(topology))
        locked_out = await terminal.types("health orders --json")
        assert locked_out.code in {1, 5}
        assert all("NOAUTH" in one["error"] for one in locked_out.json["sentinels"])

        (terminal.directory / "node").write_text(f"{topology.password}\n")
        terminal.environment["SENTINEL_PASSWORD"] = topology.sentinel_password
        auth = {"username": topology.username, "password_file": "node"}
        sentinel_auth = {"username": topology.sentinel_username, "password_env": "SENTINEL_PASSWORD"}
        terminal.targets(orders=of(topology, auth=auth, sentinel_auth=sentinel_auth))
        let_in = await terminal.types("health orders --json")
        assert (let_in.code, let_in.json["verdict"]) == (0, "healthy")
        assert topology.password not in let_in.out + locked_out.out


NOTHING_TO_OBEY = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]*")
LOOKS = ("health odd", "diagnose odd", "diagnose odd --json", "status", "status --json")


async def test_what_a_server_sends_instead_of_an_answer_is_shown_and_never_obeyed(terminal):
    async def answer(reader, writer):
        while await reader.read(4096):
            writer.write(b"-ERR \x1b[2J\x1b]0;owned\x07 \xe2\x80\xae \x9b <!channel>\r\n" * 20)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        terminal.targets(odd={"kind": "replication", "nodes": [f"127.0.0.1:{port}", "127.0.0.1:1"]})
        for line in LOOKS:
            ended = await terminal.types(line)
            assert ended.code in {1, 5}
            assert NOTHING_TO_OBEY.fullmatch(ended.out + ended.err)


async def test_a_replica_that_announces_an_escape_sequence_as_its_host_is_told_and_never_obeyed(terminal):
    async with replication(build(), replicas=1) as topology:
        master, replica = topology.nodes
        await replica.command("CONFIG", "SET", "replica-announce-ip", "\x1b[2J\u202ehost")
        await replica.command("REPLICAOF", "NO", "ONE")
        await replica.command("REPLICAOF", *master.address.split(":"))
        while "host" not in str(await master.command("INFO", "replication")):
            await asyncio.sleep(0.05)
        terminal.targets(odd={"kind": "replication", "nodes": [master.address]})
        for line in LOOKS:
            ended = await terminal.types(line)
            assert NOTHING_TO_OBEY.fullmatch(ended.out + ended.err)
        assert "which is no address" in " ".join((await terminal.types("diagnose odd")).out.split())


async def test_what_is_suggested_can_be_typed(terminal):
    async with replication(build(), replicas=1) as topology:
        terminal.targets(orders={"kind": "replication", "nodes": list(topology.node_addresses)})
        await topology.nodes[0].kill()
        async with asyncio.timeout(90):
            while "tandem request promote" not in (seen := await terminal.types("diagnose orders")).out:
                await asyncio.sleep(0.1)
        assert f"tandem request promote orders --to {topology.nodes[1].address}" in seen.out
        plan = await terminal.types(f"plan promote orders --to {topology.nodes[1].address} --json")
        assert (plan.code, plan.json["risk"], plan.json["cost"]["loss_bytes"]) == (0, "destructive", None)


async def test_a_split_brain_is_planned_by_the_words_that_its_diagnosis_suggests(terminal, tmp_path):
    async with replication(build(), replicas=1) as topology:
        old, new = topology.nodes
        await new.command("REPLICAOF", "NO", "ONE")
        target = {"kind": "replication", "nodes": list(topology.node_addresses), "rescue": {"folder": str(tmp_path)}}
        terminal.targets(orders=target)
        line = f"repair orders --keep {new.address}"
        assert f"tandem request {line}" in (await terminal.types("diagnose orders")).out
        plan = await terminal.types(f"plan {line} --json")
        assert (plan.code, plan.json["candidate"], plan.json["cost"]["loss_keys"]) == (0, new.address, None)
        assert "copies first" in (await terminal.types(f"plan {line}")).out
        refused = await terminal.types("plan repair orders --json")
        assert refused.code == 3
        assert f"repair orders --keep {old.address} or {line}" in refused.json["refusal"]["reason"]


async def test_names_of_keys_are_shown_to_an_approver_only(terminal):
    async with replication(build(), replicas=1) as topology:
        await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
        await topology.nodes[1].command("SET", "session:anna", 1)
        target = {"kind": "replication", "nodes": list(topology.node_addresses)}
        async with left_by_a_bot(terminal, **target) as (_, approver, _, guest):
            counted = await terminal.says("diagnose orders --compare --json")
            nobody = await terminal.says("diagnose orders --compare --names")
            refused = await guest.says("diagnose orders --compare --names")
            shown = await approver.says("diagnose orders --compare --names")
            alone = await approver.says("diagnose orders --names")
    assert counted.json["compared"][0]["only_first"] + counted.json["compared"][0]["only_second"] == 1
    assert "session" not in counted.out
    assert (nobody.code, "TANDEM_TOKEN is not set" in nobody.err) == (2, True)
    assert (refused.code, "guest" in refused.err) == (3, True)
    assert "session" not in nobody.out + refused.out
    assert "'session:anna'" in shown.out
    assert "session" not in shown.err
    assert (alone.code, "type both" in alone.err) == (2, True)
