"""Everybody who is asked about one target, as one pair of hands."""

import socket
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from actions.adapters import connect
from actions.adapters.aws import group
from actions.kit.elasticache import setting
from actions.kit.errors import CommandRefused, Unreachable
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Kind, ReplicationGroup, Target
from sandbox.redis import build, replication

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")


@asynccontextmanager
async def nobody_listens():
    """The address of a port that is taken, and refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


async def test_where_aws_does_not_answer_the_servers_are_seen_all_the_same():
    async with replication(build()) as topology, nobody_listens() as nobody:
        nodes = tuple(map(Address.parse, topology.node_addresses))
        aws = ReplicationGroup("eu-west-1", "aragora-redis", nobody)
        hands = connect(Target("search", Kind.ELASTICACHE, nodes=nodes, elasticache=aws, timeout_ms=10_000))
        try:
            snapshot = await hands.observe()
            with pytest.raises(Unreachable, match="TANDEM_AWS_ENDPOINT_URL"):
                await hands.settings(aws.resource, (setting.NAME,))
        finally:
            await hands.aclose()

    assert [node.address for node in snapshot.nodes if node.info] == list(nodes)
    assert snapshot.group is not None
    assert snapshot.group.unasked in snapshot.unasked
    assert snapshot.group.unasked.reason is Reason.UNRESOLVED
    assert snapshot.group.unasked.why == f"Nothing answers at {nobody}, which TANDEM_AWS_ENDPOINT_URL names."


async def test_loading_the_sdk_takes_nothing_of_the_time_that_a_server_has(monkeypatch):
    order = []
    monkeypatch.setattr(group, "_load", lambda _place: order.append("SDK"))
    async with replication(build(), replicas=0) as topology, nobody_listens() as nobody:
        [node] = map(Address.parse, topology.node_addresses)
        aws = ReplicationGroup("eu-west-1", "aragora-redis", nobody)
        hands = connect(
            Target("search", Kind.ELASTICACHE, nodes=(node,), elasticache=aws, timeout_ms=10_000),
            reach=lambda asked: order.append(str(asked)) or asked,
        )
        try:
            await hands.observe()
        finally:
            await hands.aclose()
    assert order[:2] == ["SDK", str(node)]


async def test_a_target_that_is_not_aws_has_no_aws():
    hands = connect(Target("orders", Kind.REPLICATION, nodes=(Address("127.0.0.1", 1),)))
    with pytest.raises(CommandRefused, match="orders has no ElastiCache group"):
        _ = hands.elasticache
    snapshot = await hands.observe()
    assert snapshot.group is None
    await hands.aclose()


def test_the_sdk_is_not_loaded_before_it_is_needed():
    script = "import sys, actions.adapters, bot.targets; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
