"""A new master that is silent: dead behind a forwarder that still accepts, or out of our reach alone."""

from __future__ import annotations

import pytest

from actions.adapters import connect
from actions.kit.errors import NotYet, Unreachable
from actions.kit.following import Repoint
from actions.kit.plan import Held
from actions.kit.steps import until
from actions.kit.topology import Address
from sandbox.redis import build, builds, replication
from tests.failover import PATIENT, target_of

pytestmark = pytest.mark.servers

NAME = "redis-7.0" if any(one.name == "redis-7.0" for one in builds()) else builds()[0].name


async def test_a_replica_tells_whether_the_new_master_is_there() -> None:
    async with replication(build(NAME), replicas=2, links=True) as topology:
        old, new, third = map(Address.parse, topology.node_addresses)
        link = topology.link(topology.nodes[1])
        hands = connect(target_of(topology, timeout_ms=PATIENT["timeout_ms"]))
        hasty = connect(target_of(topology, timeout_ms=1_000))
        history = (await hands.standing(old)).replid
        step = Repoint(third, new, within_s=60, replid=history, link_within_s=60)

        async def linked() -> Held:
            return Held((await hands.standing(third)).link_up, "")

        try:
            await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
            await link.cut(replicas=False, sentinels=False, clients=True)
            with pytest.raises(Unreachable):
                await hasty.standing(new)
            assert await step.act(hasty) == f"{third} is a replica of {new}", "we alone do not reach it"

            await hands.demote(third, old)
            await until(linked, hands, 60)
            await link.heal()
            await topology.nodes[1].kill()
            with pytest.raises(NotYet, match=f"{third} was sent back to {old}, for nobody reaches {new}"):
                await Repoint(third, new, within_s=60, replid=history, link_within_s=1).act(hasty)
            await until(linked, hands, 60)
            assert (await hands.standing(third)).master == old
        finally:
            await hands.aclose()
            await hasty.aclose()
