"""The planned failover where nothing that the servers announce can be dialled from here."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from actions.adapters import connect
from actions.kit.loop import Ending, Outcome, carry_out
from actions.kit.topology import Address, AddressMap
from sandbox.redis import Topology, WriteLoad, build, builds, replication, sentinel
from tests.failover import Journal, patient, planned, target_of
from tests.forwarding import forwarding

pytestmark = pytest.mark.servers

NAMES = [one.name for one in builds() if one.version >= (7,)]


def mapped(topology: Topology) -> AddressMap:
    return AddressMap(tuple((Address.parse(one), Address.parse(place)) for one, place in topology.places.items()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [sentinel, replication], ids=lambda kind: kind.__name__)
async def test_it_moves_the_master_and_loses_nothing(name: str, kind: type) -> None:
    async with kind(build(name), nat=True) as topology, WriteLoad(topology, rate=400) as load:
        for server in topology.sentinels:
            await server.command("SENTINEL", "DEBUG", "INFO-PERIOD", "1000")
        hands = connect(target_of(topology, address_map=mapped(topology)))
        try:
            by_us = topology.nodes[2].direct_address
            plan = await planned(hands, to=by_us)
            assert str(plan.candidate) == topology.nodes[2].address
            told = " ".join(f"{step.title} {step.command}" for step in plan.steps)
            assert not [place for place in topology.places.values() if place in told]
            journal = Journal()
            assert await carry_out(patient(plan.steps), hands, journal) == Ending(Outcome.DONE), journal.lines
        finally:
            await hands.aclose()
        await topology.ready()
        assert await topology.master() is topology.nodes[2]
        await load.stop()
        assert load.acked > 0
        assert await load.lost(topology.nodes[2]) == 0
        assert journal.owed == []


async def test_it_works_with_acls_and_tls_on_nodes_and_sentinels_through_forwarders() -> None:
    """The certificates name the servers' own addresses; what is dialled is in none of them."""
    which = next((one for one in builds() if one.has_tls), None)
    if which is None:
        pytest.skip("no server here speaks TLS")
    async with sentinel(which, acl=True, tls=True) as topology, AsyncExitStack() as stack:
        places = []
        for server in topology.sentinels:
            await server.command("SENTINEL", "DEBUG", "INFO-PERIOD", "1000")
        for server in (*topology.nodes, *topology.sentinels):
            place, _ = await stack.enter_async_context(forwarding(server.direct_address))
            places.append((Address.parse(server.address), place))
        hands = connect(target_of(topology, address_map=AddressMap(tuple(places))))
        stack.push_async_callback(hands.aclose)
        plan = await planned(hands, to=str(places[2][1]))
        assert str(plan.candidate) == topology.nodes[2].address
        journal = Journal()
        ending = await carry_out(patient(plan.steps), hands, journal)
        assert ending == Ending(Outcome.DONE), journal.lines
        await topology.ready()
        assert await topology.master() is topology.nodes[2]
        assert journal.owed == []
