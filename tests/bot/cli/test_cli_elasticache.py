"""A replication group of ElastiCache in a terminal."""

import pytest

from tests.elasticache import GROUP, search

pytestmark = pytest.mark.servers


async def test_a_group_for_people_and_for_programs(terminal, monkeypatch):
    async with search(monkeypatch) as scene:
        group = {"kind": "elasticache", "region": "eu-west-1", "replication_group_id": GROUP}
        terminal.targets(search=group)
        terminal.environment |= {**scene.aws.environment, "TANDEM_AWS_ENDPOINT_URL": scene.aws.endpoint_url}

        health = await terminal.types("health")
        assert (health.code, health.err) == (0, "")
        assert (
            f"ElastiCache {GROUP} in eu-west-1: available, automatic failover enabled, Multi-AZ enabled" in health.out
        )

        told = (await terminal.types("health --json")).json
        assert (told["group"]["status"], told["group"]["node_groups"][0]["members"][0]["primary"]) == (
            "available",
            True,
        )

        events = await terminal.types("events --since 2h --json")
        assert (events.code, [event["source"] for event in events.json["events"]]) == (0, [f"AWS {GROUP}"] * 2)

        plan = await terminal.types(f"plan failover search --to {GROUP}-003 --json")
        assert plan.json["cost"]["loss_bytes"] is None
        assert plan.json["steps"][0]["title"] == "Turn automatic failover off"
        assert plan.json["candidate"] == str(scene.address(3))

        no_shard = await terminal.types("plan failover search --shard 0007")
        assert (no_shard.code, "has no shard 0007; it has 0001." in no_shard.out) == (3, True)

        scene.aws.faults.denied = {"DescribeEvents"}
        silent = await terminal.types("events")
        assert silent.code == 5
        assert "Not told by AWS DescribeEvents: NOPERM" in silent.out


async def test_an_endpoint_that_is_no_address_is_a_wrong_setting(terminal):
    terminal.targets(search={"kind": "elasticache", "region": "eu-west-1", "replication_group_id": GROUP})
    terminal.environment |= {"TANDEM_AWS_ENDPOINT_URL": "localhost:4566"}
    wrong = await terminal.types("health")
    assert wrong.code == 2
    assert "TANDEM_AWS_ENDPOINT_URL has to begin with https:// or http://" in wrong.err
