"""Where a server is older than Redis 7.0, scripts get past its fence: each claim that it refuses writes says so."""

from dataclasses import replace

import pytest

from actions import failover, promote, repair
from actions.kit.diagnosis import diagnose
from actions.kit.fencing import FENCE_REPLICAS, but_scripts, fence_left
from actions.kit.plan import Plan
from actions.kit.promotion import FenceCandidate, Promote
from actions.kit.repair.fence import FenceLoser
from actions.kit.sentinel_opening import OpenNamed
from actions.kit.snapshot import NodeConfig, Reason, Role, Snapshot
from actions.kit.steps import Fence
from tests.builders import REPLID, healthy, node_at, with_link, with_node, with_view, without_node

BUT = but_scripts(passing=True)


def of_version(snapshot: Snapshot, flavour: str, version: tuple[int, int, int]) -> Snapshot:
    for number, node in enumerate(snapshot.nodes, 1):
        snapshot = with_node(snapshot, number, flavour=flavour, version=version) if node.info else snapshot
    return snapshot


def split() -> Snapshot:
    promoted = {"role": Role.MASTER, "link": None, "replid": "b" * 40, "replid2": REPLID, "second_repl_offset": 9_001}
    return with_node(replace(healthy(1, 0), rescues_to="folder /rescue"), 2, **promoted)


def lost() -> Snapshot:
    return with_link(without_node(healthy(1, 0), 1, Reason.REFUSED), 2, up=False)


PLANS = {
    "failover under Sentinel": (failover, healthy(), {}),
    "failover": (failover, healthy(sentinels=0), {}),
    "promote": (promote, lost(), {"to": str(node_at(2))}),
    "repair": (repair, split(), {"keep": str(node_at(2))}),
}


@pytest.mark.parametrize(
    ("flavour", "version", "passing"),
    [("redis", (6, 2, 14), True), ("redis", (7, 0, 0), False), ("valkey", (9, 1, 0), False)],
    ids=["6.2", "7.0", "Valkey"],
)
@pytest.mark.parametrize("which", PLANS)
def test_the_card_and_each_step_that_closes_a_node_say_so(which, flavour, version, passing):
    action, snapshot, options = PLANS[which]
    plan = action.plan(of_version(snapshot, flavour, version), options)
    assert isinstance(plan, Plan), plan
    assert ("before Redis 7.0" in " ".join(plan.cost.notes)) is passing
    kinds = (Fence, FenceCandidate, FenceLoser, OpenNamed, Promote)
    closing = [step.scripts_pass for step in plan.steps if isinstance(step, kinds)]
    assert closing
    assert set(closing) == {passing}


@pytest.mark.parametrize("passing", [True, False])
def test_what_is_found_closed_is_said_with_it(passing):
    snapshot = of_version(healthy(), "redis", (6, 2, 14) if passing else (7, 0, 0))
    fenced = with_view(
        with_view(snapshot, 1, config=NodeConfig(FENCE_REPLICAS, 10, 100)),
        3,
        config=NodeConfig(FENCE_REPLICAS, 10, 100),
    )
    assert (fence_left(fenced.nodes[0]) == f"still refuses writes{BUT}") is passing
    said = [one.summary for one in diagnose(with_node(fenced, 1, good_replicas=2)).findings if "refuse" in one.summary]
    assert len(said) == 2
    assert all((BUT in summary) is passing for summary in said)
