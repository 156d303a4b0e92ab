"""What is told of a replication group of ElastiCache."""

from datetime import UTC, datetime

from actions.kit.elasticache.views import Event, GroupView, MemberView, NodeGroupView, Source
from actions.kit.topology import Address
from actions.kit.unasked import Reason, Unasked
from bot.render.group import SHARDS, event_json, group_json, group_lines


def shard(number: int, status: str = "available") -> NodeGroupView:
    name = f"{number:04}"
    members = tuple(MemberView(f"carts-{name}-00{one}", name, None, "eu-west-1a", "available") for one in (1, 2))
    return NodeGroupView(name, status, slots=f"{number}-{number}", members=members)


def test_a_shard_that_is_changing_comes_first_and_many_are_counted():
    shards = tuple(shard(number, "modifying" if number == 40 else "available") for number in range(1, 51))
    lines = list(
        group_lines(GroupView("eu-west-1", "carts", None, "modifying", "enabled", "enabled", True, (), shards))
    )
    assert lines == [
        "ElastiCache carts in eu-west-1: modifying, cluster mode, automatic failover enabled, Multi-AZ enabled",
        "  0040 slots 40-40 modifying: carts-0040-001 eu-west-1a, carts-0040-002 eu-west-1a",
        "  … and 49 shards more, available",
    ]
    assert len(list(group_lines(GroupView("eu-west-1", "carts", node_groups=shards[:SHARDS])))) == SHARDS + 1


def test_roles_and_what_is_pending_are_told_where_aws_tells_them():
    members = (
        MemberView("g-001", "0001", True, "eu-west-1a", "available", Address("g-001.aws", 6379)),
        MemberView("g-002", "0001", False, "eu-west-1b", "rebooting cluster nodes"),
    )
    group = GroupView(
        *("eu-west-1", "g", None, "available", "disabled", "disabled", False),
        pending=("PrimaryClusterId g-002",),
        node_groups=(NodeGroupView("0001", "available", Address("g.aws", 6379), members=members),),
        tests_in_region=(datetime(2025, 1, 1, tzinfo=UTC),) * 3,
    )
    assert list(group_lines(group))[1:] == [
        "  pending: PrimaryClusterId g-002",
        "  0001: g-001 primary eu-west-1a, g-002 replica eu-west-1b (rebooting cluster nodes)",
    ]
    told = group_json(group)
    assert (told["id"], told["status"], told["test_failovers_24h"]) == ("g", "available", 3)
    assert told["node_groups"][0]["primary_endpoint"] == "g.aws:6379"
    assert told["node_groups"][0]["members"][1] == {
        "id": "g-002",
        "primary": False,
        "zone": "eu-west-1b",
        "status": "rebooting cluster nodes",
        "address": None,
    }


def test_silence_is_told_as_such():
    group = GroupView("eu-west-1", "g", Unasked("AWS g", Reason.NOAUTH, "There are no AWS credentials."))
    assert list(group_lines(group)) == ["ElastiCache g in eu-west-1: no answer (NOAUTH)"]
    assert group_json(group)["error"] == "There are no AWS credentials."
    assert group_json(group)["status"] is None


def test_an_event_keeps_its_milliseconds():
    at = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert event_json(Event(at, "g-001", Source.MEMBER, "Recovering cache nodes 0001")) == {
        "at": "2025-01-02T03:04:05.678Z",
        "source": "g-001",
        "kind": "cache-cluster",
        "message": "Recovering cache nodes 0001",
    }
