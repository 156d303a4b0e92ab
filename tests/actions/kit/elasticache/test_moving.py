"""A primary has moved when its status, its events and the nodes say so: each of them can say no alone."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from actions.kit.elasticache.moving import Move, judged, under_way
from actions.kit.elasticache.views import Event, GroupView, MemberView, NodeGroupView, Source
from actions.kit.errors import NotYet, Unreachable
from actions.kit.ports import Standing
from actions.kit.snapshot import Role
from actions.kit.topology import Address
from actions.kit.unasked import Reason, Unasked

NOW = datetime(2025, 1, 2, tzinfo=UTC)
ENDPOINT = Address("g.aws", 6379)
PLACES = {f"g-00{number}": Address(f"g-00{number}.aws", 6379) for number in (1, 2, 3)}
MOVE = Move("g", "eu-west-1", "0001", "g-001", tuple(PLACES.items()), ENDPOINT, since=NOW)


def event(minute: int, message: str) -> Event:
    return Event(NOW + timedelta(minutes=minute), "g", Source.GROUP, message)


def done(new: str, minute: int = 2) -> Event:
    return event(minute, f"Failover from primary node g-001 to replica node {new} completed")


def group(primary: str = "g-002", *events: Event, **changes: object) -> GroupView:
    members = tuple(MemberView(name, "0001", name == primary, "", "available", at) for name, at in PLACES.items())
    shard = NodeGroupView("0001", "available", ENDPOINT, members=members)
    view = GroupView("eu-west-1", "g", None, "available", "enabled", "enabled", False, (), (shard,), events, ())
    return replace(view, **changes)


@dataclass
class World:
    """What AWS and the nodes say; it is its own hands and its own AWS."""

    view: GroupView
    nodes: dict[Address, Standing] = field(
        default_factory=lambda: {
            PLACES["g-002"]: Standing(Role.MASTER, 10, replid="b"),
            ENDPOINT: Standing(Role.MASTER, 10, replid="b"),
        }
    )
    renewed: list[Address] = field(default_factory=list)

    @property
    def elasticache(self) -> "World":
        return self

    async def look(self) -> GroupView:
        return self.view

    async def renew(self, node: Address) -> None:
        self.renewed.append(node)

    async def standing(self, node: Address) -> Standing:
        if node not in self.nodes:
            raise Unreachable(f"{node} does not answer")
        return self.nodes[node]


async def test_all_of_them_say_so():
    world = World(group("g-002", event(1, "Test Failover API called for node group 0001"), done("g-002")))
    held = await judged(world, MOVE)
    assert held.yes
    assert held.observation.startswith("g-002 is primary: AWS says so")
    assert world.renewed == [ENDPOINT], "an old connection leads to the old primary"


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (group("g-002", done("g-002"), status="modifying"), "g is modifying"),
        (group("g-001", done("g-002")), "AWS still calls g-001 the primary"),
        (group("g-002"), "no event says that a failover is complete"),
        (group("g-002", done("g-002", minute=0)), "no event says"),
        (group("g-003", done("g-002")), "the events say that g-002 is the primary, AWS calls g-003 so"),
        (group("g-002", done("g-002"), node_groups=()), "AWS still calls g-001 the primary"),
    ],
)
async def test_aws_says_no(view, said):
    held = await judged(World(view), MOVE)
    assert (held.yes, said in held.observation) == (False, True), held


@pytest.mark.parametrize(
    ("where", "standing", "said"),
    [
        (PLACES["g-002"], Standing(Role.REPLICA, 10, PLACES["g-001"]), "g-002.aws:6379 says that it is a replica"),
        (ENDPOINT, Standing(Role.REPLICA, 10), "g.aws:6379 leads to another node than g-002"),
        (ENDPOINT, Standing(Role.MASTER, 10, replid="a"), "g.aws:6379 leads to another node than g-002"),
    ],
)
async def test_the_nodes_say_no(where, standing, said):
    world = World(group("g-002", done("g-002")))
    world.nodes[where] = standing
    held = await judged(world, MOVE)
    assert (held.yes, held.observation) == (False, said)


async def test_another_member_than_the_one_that_was_wanted():
    held = await judged(World(group("g-002", done("g-002"))), replace(MOVE, wanted="g-003"))
    assert "the events say that g-002 is the primary" in held.observation


async def test_who_does_not_answer_does_not_say_yes():
    world = World(group("g-002", done("g-002")))
    del world.nodes[ENDPOINT]
    with pytest.raises(Unreachable):
        await judged(world, MOVE)
    silent = Unasked("AWS", Reason.THROTTLED, "Rate exceeded")
    for view in (group(unasked=silent), group(tests_in_region=None, gaps=(silent,))):
        with pytest.raises(NotYet, match="Rate exceeded"):
            await judged(World(view), MOVE)


@pytest.mark.parametrize(
    ("view", "shows"),
    [
        (group("g-001"), None),
        (group("g-001", event(0, "Test Failover API called for node group 0001")), None),
        (group("g-001", event(1, "Test Failover API called for node group 0002")), None),
        (
            group("g-001", event(1, "Test Failover API called for node group 0001")),
            "TestFailover was called at 00:01:00",
        ),
        (group("g-001", done("g-002")), "AWS's events tell of a failover since"),
        (group("g-001", status="modifying"), "g is modifying"),
        (group("g-001", pending=("PrimaryClusterId g-002",)), "PrimaryClusterId g-002 is pending"),
        (group("g-002"), "AWS calls g-002 the primary"),
    ],
)
def test_any_trace_of_a_call_is_found(view, shows):
    found = under_way(view, MOVE)
    assert found is None if shows is None else found is not None and found.startswith(shows)
