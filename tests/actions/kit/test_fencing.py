"""By which settings a node refuses writes, and for how long."""

from dataclasses import replace

import pytest

from actions.kit.fencing import FENCE, FENCE_REPLICAS, MAX_LAG, fence_left, fence_until_followed
from actions.kit.snapshot import AttachedReplica, NodeConfig
from tests.builders import healthy, node_at


@pytest.mark.parametrize(
    ("followers", "to_write", "max_lag", "changed"),
    [
        pytest.param(0, 0, 10, {FENCE: ("0", "1")}, id="nobody follows it"),
        pytest.param(2, 0, 10, {FENCE: ("0", "3")}, id="those that follow it by now do not open it"),
        pytest.param(0, 1, 10, {}, id="it refuses writes by itself"),
        pytest.param(1, 1, 10, {FENCE: ("1", "2")}, id="its own is too low"),
        pytest.param(0, 1, 0, {MAX_LAG: ("0", "10")}, id="its own is switched off"),
        pytest.param(0, 0, 0, {MAX_LAG: ("0", "10"), FENCE: ("0", "1")}, id="all of it"),
    ],
)
def test_a_replica_refuses_writes_until_one_more_follows_it(followers, to_write, max_lag, changed):
    node = healthy().nodes[1]
    attached = tuple(AttachedReplica(node_at(7 + number), "online", 0, 0) for number in range(followers))
    config = replace(node.config or NodeConfig(), min_replicas_to_write=to_write, min_replicas_max_lag=max_lag)
    closed = fence_until_followed(replace(node, info=replace(node.info, replicas=attached), config=config))
    assert {change.name: (change.old, change.new) for change in closed} == changed
    assert {change.node for change in closed} <= {node.address}


@pytest.mark.parametrize(
    ("to_write", "max_lag", "said"),
    [
        pytest.param(0, 10, None, id="none"),
        pytest.param(2, 10, None, id="a setting of its own"),
        pytest.param(FENCE_REPLICAS, 10, "still refuses writes", id="in force"),
        pytest.param(FENCE_REPLICAS, 1, "still refuses writes", id="any other max-lag changes nothing"),
        pytest.param(FENCE_REPLICAS, 0, "takes writes only because its min-replicas-max-lag is 0", id="switched off"),
    ],
)
def test_a_fence_that_was_left_is_judged_by_both_settings(to_write, max_lag, said):
    left = fence_left(replace(healthy().nodes[0], config=NodeConfig(to_write, max_lag, 100)))
    assert (left or "").startswith(said or "")
    assert (left is None) is (said is None)
