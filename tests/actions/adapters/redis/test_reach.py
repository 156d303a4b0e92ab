"""What the servers announce leads nowhere from here: they are dialled elsewhere, and go by their own addresses."""

import contextlib
from dataclasses import replace

import pytest

from actions.adapters import TargetHands, connect
from actions.adapters.redis import Node
from actions.adapters.redis.failures import ExchangeError
from actions.adapters.redis.reach import by_map
from actions.kit.errors import Gone
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, AddressMap, Tls
from sandbox.redis import builds, replication, sentinel
from tests.forwarding import forwarding

pytestmark = pytest.mark.servers

NOWHERE = Address("10.255.0.5", 6379)


def mapped(topology) -> AddressMap:
    return AddressMap(tuple((Address.parse(one), Address.parse(place)) for one, place in topology.places.items()))


@contextlib.asynccontextmanager
async def hands_on(target, reach=None):
    hands: TargetHands = connect(target, reach)
    try:
        yield hands
    finally:
        await hands.aclose()


async def test_what_sentinels_announce_is_dialled_elsewhere(build, target_of):
    async with sentinel(build, nat=True) as topology:
        async with hands_on(target_of(topology, timeout_ms=1_000)) as hands:
            unmapped = await hands.observe()
        async with hands_on(target_of(topology, address_map=mapped(topology))) as hands:
            seen = await hands.observe()
    assert not any(view.master for view in unmapped.sentinels)
    assert seen.unasked == ()
    assert seen.agreed_master == Address.parse(topology.node_addresses[0])
    assert [str(node.address) for node in seen.nodes] == sorted(topology.node_addresses)
    assert [str(node.also[0]) for node in seen.nodes] == [topology.places[str(node.address)] for node in seen.nodes]
    assert seen.node(Address.parse(topology.nodes[2].direct_address)).address == seen.nodes[2].address


async def test_a_whole_host_is_dialled_elsewhere_and_an_address_of_its_own_before_it():
    address_map = AddressMap(
        places=((Address("10.0.0.5", 6380), Address("127.0.0.1", 7000)),), hosts=(("10.0.0.5", "127.0.0.9"),)
    )
    reach = by_map(address_map)
    assert await reach(Address("10.0.0.5", 6379)) == Address("127.0.0.9", 6379)
    assert await reach(Address("10.0.0.5", 6380)) == Address("127.0.0.1", 7000)
    assert await reach(Address("10.0.0.6", 6379)) == Address("10.0.0.6", 6379)
    for announced in (Address("10.0.0.5", 6379), Address("10.0.0.5", 6380), Address("10.0.0.6", 6379)):
        assert address_map.announced(await reach(announced)) == announced


async def test_a_refusal_of_what_forwards_does_not_prove_that_the_server_is_gone():
    async with (
        replication(builds()[0], replicas=0) as topology,
        forwarding(topology.node_addresses[0]) as (place, server),
    ):
        address_map = AddressMap(((NOWHERE, place),))
        node = Node(NOWHERE, reach=by_map(address_map))
        assert await node.ask(("PING",)) == [b"PONG"]
        await node.aclose()
        server.close()
        with pytest.raises(ExchangeError) as caught:
            await node.ask(("PING",))
    assert caught.value.reason is Reason.CLOSED
    assert not isinstance(caught.value, Gone)
    assert str(caught.value) == f"node {NOWHERE}: the connection was refused (dialled at {place})"


async def test_a_reach_may_come_and_go_and_say_itself_that_the_server_is_gone(target_of):
    """As port-forwards do: each connection asks anew where to dial."""
    async with (
        replication(builds()[0], replicas=0) as topology,
        forwarding(topology.node_addresses[0]) as (first, _),
        forwarding(topology.node_addresses[0]) as (second, _),
    ):
        answers = [first, second, OSError("the pod is not ready"), ConnectionRefusedError("the pod is gone")]

        async def reach(announced: Address) -> Address:
            assert announced == NOWHERE
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer

        node = Node(NOWHERE, reach=reach)
        for _ in range(2):
            assert await node.ask(("PING",)) == [b"PONG"]
            await node.aclose()
        with pytest.raises(ExchangeError, match="the pod is not ready") as unready:
            await node.ask(("PING",))
        with pytest.raises(ExchangeError) as gone:
            await node.ask(("PING",))
    assert (unready.value.reason, gone.value.reason) == (Reason.CLOSED, Reason.REFUSED)
    assert isinstance(gone.value, Gone)


async def test_tls_checks_the_servers_own_address_not_the_place_that_is_dialled(tls_build):
    async with replication(tls_build, replicas=0, tls=True) as topology:
        own, tls = Address.parse(topology.node_addresses[0]), Tls(str(topology.tls.ca_file))
        async with forwarding(topology.node_addresses[0]) as (place, _):
            right = Node(own, tls=tls, reach=by_map(AddressMap(((own, place),))))
            assert await right.ask(("PING",)) == [b"PONG"]
            wrong = Node(NOWHERE, tls=tls, reach=by_map(AddressMap(((NOWHERE, place),))))
            with pytest.raises(ExchangeError) as caught:
                await wrong.ask(("PING",))
            lax = Node(NOWHERE, tls=replace(tls, check_hostname=False), reach=by_map(AddressMap(((NOWHERE, place),))))
            assert await lax.ask(("PING",)) == [b"PONG"]
            for node in (right, wrong, lax):
                await node.aclose()
    assert caught.value.reason is Reason.TLS
    assert str(NOWHERE.host) in str(caught.value)
