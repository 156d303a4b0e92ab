"""What two masters share, and how much each has for itself; the first numbers were seen on real servers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.diagnosis.lineage import births, divergence, lineage
from actions.kit.snapshot import NodeView, Role
from tests.builders import healthy, info_of, node_at, without_node

A, B, C, D, ZEROS = "a" * 40, "b" * 40, "c" * 40, "d" * 40, "0" * 40


def node(number, replid, offset, parent=ZEROS, fork=-1, **fields):
    ids = {"replid": replid, "replid2": parent, "second_repl_offset": fork, "offset": offset}
    return NodeView(node_at(number), info=info_of(number, Role.MASTER, **ids, **fields))


def test_a_promoted_replica_beside_its_old_master():
    old, new = node(1, A, 213_295), node(2, B, 247_618, A, 188_206)
    said = divergence(old, new)

    assert (said.shared_until, said.first_bytes, said.second_bytes) == (188_205, 25_090, 59_413)
    assert lineage(old, new) == (
        f"{node_at(2)} descends from {node_at(1)}; shared before byte 188,206; since then at most 25,090 bytes only on "
        f"{node_at(1)} and at most 59,413 bytes only on {node_at(2)}"
    )
    assert lineage(new, old).startswith(f"{node_at(2)} descends from {node_at(1)}")


def test_both_promoted_from_one_ancestor():
    said = divergence(node(1, B, 900, A, 501), node(2, C, 800, A, 601))

    assert (said.shared_until, said.first_bytes, said.second_bytes) == (500, 400, 300)
    assert "both descend from one ancestor aaaaaaaaaaaa" in said.words


def test_over_a_third_that_tells_of_the_one_between():
    oldest, youngest = node(1, A, 400), node(3, C, 900, B, 601)
    replica_of_second = node(4, B, 620, A, 301)

    assert not divergence(oldest, youngest).provable
    said = divergence(oldest, youngest, births([oldest, youngest, replica_of_second]))
    assert (said.shared_until, said.first_bytes, said.second_bytes) == (300, 100, 600)
    assert "over others" in said.words


def test_three_that_parted_in_turn():
    """What the third shares with the first is no more than what the second does."""
    first, second, third = node(1, A, 400), node(2, B, 700, A, 301), node(3, C, 900, B, 601)
    born = births([first, second, third])

    assert divergence(second, third, born).shared_until == 600
    assert divergence(first, third, born).shared_until == 300


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        pytest.param(node(1, A, 400), node(2, B, 500), "no provable common ancestor", id="zeros are no ancestor"),
        pytest.param(node(1, A, 400, "", -1), node(2, B, 500, "", -1), "no provable", id="an old server says nothing"),
        pytest.param(node(1, A, 400), node(2, A, 500), "the same replication id", id="one id on both"),
        pytest.param(node(1, A, 400), node(2, B, 500, A, -1), "no provable", id="no place where it parted"),
        pytest.param(without_node(healthy(), 1).nodes[0], node(2, B, 5), "did not answer", id="silent"),
    ],
)
def test_nothing_is_proven(first, second, words):
    for one, two in ((first, second), (second, first)):
        said = divergence(one, two)
        assert (said.provable, said.first_bytes, said.second_bytes) == (False, None, None)
        assert words in said.words


def test_without_a_backlog_nobody_counts():
    said = divergence(node(1, A, 400, backlog_active=False), node(2, B, 500, A, 301, backlog_active=True))

    assert (said.shared_until, said.first_bytes, said.second_bytes) == (300, None, 200)
    assert f"nobody counted what only {node_at(1)} has" in said.words


ids = st.sampled_from([A, B, C, D, ZEROS, ""])
nodes = st.builds(
    node,
    st.integers(1, 4),
    ids,
    st.integers(0, 9),
    ids,
    st.integers(-1, 9),
)


@given(st.lists(nodes, min_size=2, max_size=5))
def test_whatever_the_ids_the_order_of_the_two_does_not_matter_and_bytes_are_never_below_0(some):
    born = births(some)
    there, back = divergence(some[0], some[1], born), divergence(some[1], some[0], born)

    assert there.shared_until == back.shared_until
    assert (there.first_bytes, there.second_bytes) == (back.second_bytes, back.first_bytes)
    assert min(there.first_bytes or 0, there.second_bytes or 0) >= 0
    assert there.words
