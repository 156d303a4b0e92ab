"""A change that a forwarder holds and delivers late: once it was put back it never comes.

The server has it by a connection whose other end we have long closed. Each on real servers, by the guide's ACL user.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from actions.adapters import TargetHands, connect
from actions.kit.errors import AccessDenied
from actions.kit.fencing import FENCE, FENCE_REPLICAS
from actions.kit.holding import HELD, PASSWORD
from actions.kit.loop import Outcome, StepState, carry_out
from actions.kit.plan import SettingChange, Step
from actions.kit.promotion import FenceCandidate
from actions.kit.repair.fence import HoldData
from actions.kit.steps import Fence
from actions.kit.topology import Address, AddressMap
from sandbox.redis import Topology, build, builds, replication
from tests.failover import Journal, setting, target_of
from tests.forwarding import Stall, forwarding

pytestmark = pytest.mark.servers

default = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else "redis-6.2"


@asynccontextmanager
async def asked_through(topology: Topology, stall: Stall, node: Address) -> AsyncIterator[TargetHands]:
    """Hands that ask this node through a forwarder which holds up one connection."""
    async with forwarding(str(node), stall) as (place, _):
        hands = connect(target_of(topology, address_map=AddressMap(((node, place),))))
        try:
            yield hands
        finally:
            await hands.aclose()


async def undone_through_a_forwarder(topology: Topology, step: Step) -> str:
    """Do it alone, where its change gets no answer and is delivered once it was undone; what the undoing has said."""
    (change,) = step.changes
    stall, journal = Stall(change.new.encode()), Journal()
    async with asked_through(topology, stall, change.server) as hands:
        ending = await carry_out([step], hands, journal)
        assert (ending.outcome, stall.held, journal.owed) == (Outcome.UNDONE, 1, []), (ending, journal.lines)
        await stall.end()
    return next(note for _, _, state, note in journal.lines if state is StepState.UNDONE)


async def test_what_was_put_back_stays_so() -> None:
    async with replication(build(default), replicas=1, acl=True, password=None) as topology:
        master, replica = map(Address.parse, topology.node_addresses)
        fence = SettingChange(master, FENCE, str(FENCE_REPLICAS), "0")
        steps: tuple[Step, ...] = (
            Fence(master, 500, (fence,)),
            FenceCandidate(replica, (SettingChange(replica, FENCE, str(FENCE_REPLICAS), "0"),)),
            HoldData(master, SettingChange(master, PASSWORD, HELD, await setting(topology.nodes[0], PASSWORD))),
        )
        for step in steps:
            (change,) = step.changes
            assert "late" not in await undone_through_a_forwarder(topology, step)
            server = topology.nodes[change.node == replica]
            assert await setting(server, change.name) == change.old, change
        assert await topology.nodes[0].command("SET", "after", "1")

        await topology.nodes[0].command("ACL", "SETUSER", "tandem", "-client|list")
        note = await undone_through_a_forwarder(topology, steps[0])
        assert "a forwarder may deliver it late" in note, "without the right it is undone as ever, and says so"
        assert await setting(topology.nodes[0], FENCE) == str(FENCE_REPLICAS)

        await topology.nodes[0].command("ACL", "SETUSER", "tandem", "+client|list", "-config|set")
        hands = connect(target_of(topology))
        try:
            with pytest.raises(AccessDenied):
                await hands.fence(master, 500, {FENCE: "1"})
            before = await ours(topology)
            await hands.recall(master)
            await hands.standing(master)
            assert await ours(topology) == before, (
                "a change that was answered, by no, leaves no connection to be closed"
            )
        finally:
            await hands.aclose()


async def ours(topology: Topology) -> set[str]:
    """The connections of Tandem to the master."""
    clients = str(await topology.nodes[0].command("CLIENT", "LIST"))
    return {line.split()[0] for line in clients.splitlines() if " user=tandem " in line}
