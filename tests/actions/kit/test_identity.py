"""One view a process, by the name that counts most."""

from dataclasses import replace

from actions.kit.identity import one_view_each
from actions.kit.topology import Address
from tests.builders import healthy, node_at, with_node

NAMES = {number: Address(f"g-00{number}.cache.amazonaws.com", 6379) for number in (1, 2, 3)}


def test_in_cluster_mode_it_is_the_address_that_the_tables_tell():
    node = with_node(healthy(sentinels=0), 1, cluster_enabled=True).nodes[0]
    (view,) = one_view_each(
        [replace(node, known_from=("node x",)), replace(node, address=NAMES[1], known_from=("AWS",))]
    )
    assert (view.address, view.also) == (node_at(1), (NAMES[1],))


def test_the_endpoint_that_aws_gives_counts_more_than_the_address_behind_it():
    nodes = healthy(sentinels=0).nodes
    by_address = [replace(node, known_from=(f"node {node_at(1)}",)) for node in nodes]
    by_name = [replace(node, address=NAMES[number], known_from=("AWS",)) for number, node in enumerate(nodes, 1)]
    views = one_view_each([*by_address, *by_name])

    assert [view.address for view in views] == list(NAMES.values())
    assert [view.also for view in views] == [(node_at(number),) for number in NAMES]
    assert {view.info.link.master for view in views if view.info.link} == {NAMES[1]}
    assert {one.address for one in views[0].info.replicas} == {NAMES[2], NAMES[3]}
