from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from actions.kit.cluster.shards import Shards, slots_text
from actions.kit.cluster.view import SlotRange
from tests.clusters import Row, address, cluster, node_id


def test_shards_stand_in_the_order_of_their_slots_with_their_replicas():
    seen = Shards(cluster(shards=3, replicas=2).snapshot())
    assert [(shard.master, shard.replicas) for shard in seen.shards] == [
        (address(1), (address(4), address(7))),
        (address(2), (address(5), address(8))),
        (address(3), (address(6), address(9))),
    ]
    assert sum(shard.slot_count for shard in seen.shards) == 16_384
    assert (seen.unassigned, seen.spares, seen.strangers, len(seen.tables)) == ((), (), (), 1)
    assert seen.shard_of(address(6)) == seen.shards[2]


def test_the_owner_is_whom_the_highest_config_epoch_names_though_most_tell_another():
    """Node 4 was promoted in place of node 1, and only node 4 itself has heard of it."""
    healthy = cluster(shards=3, replicas=1)
    promoted = healthy.says(4, 4, master=0, epoch=7, slots="0-5460").says(4, 1, master=4, epoch=7, slots="")
    shard = Shards(promoted.snapshot()).shards[0]
    assert (shard.master, shard.replicas, shard.config_epoch) == (address(4), (), 7)


def test_of_two_owners_at_one_config_epoch_it_is_the_smaller_id_whose_epoch_the_cluster_moves_on():
    healthy = cluster(shards=3, replicas=0)
    both = healthy.says(3, 3, epoch=2, slots="10000-16383")
    owners = Shards(both.snapshot()).owners
    assert (owners[10_000], owners[10_921]) == (node_id(2), node_id(2))
    assert owners[16_383] == node_id(3)


def test_a_node_that_only_others_know_of_is_in_its_shard():
    seen = Shards(cluster(shards=3, replicas=1).failed(4).snapshot())
    assert seen.shards[0].replicas == (address(4),)
    ((member, who),) = seen.said_of(node_id(4))
    assert (member.failed, len(who)) == (True, 5)


def test_slots_without_an_owner_and_masters_without_slots_are_told():
    seen = Shards(cluster(shards=3, replicas=1).row(2, slots="").snapshot())
    assert [slots_text(seen.unassigned), seen.spares] == ["5461-10921", (address(2), address(5))]


def test_a_replica_of_a_replica_is_in_the_shard_of_its_head():
    seen = Shards(cluster(shards=3, replicas=2).row(7, master=4).snapshot())
    assert seen.shards[0].replicas == (address(4), address(7))


def test_replicas_in_a_circle_belong_nowhere():
    seen = Shards(cluster(shards=3, replicas=2).row(7, master=4).row(4, master=7).snapshot())
    assert (seen.shards[0].replicas, seen.spares) == ((), (address(4), address(7)))


def test_a_node_of_another_cluster_is_a_stranger():
    lone = (Row(6, 0, 0, id="f" * 40),)
    seen = Shards(cluster(shards=3, replicas=1).tells(6, lone).snapshot())
    assert [node.address for node in seen.strangers] == [address(6)]
    assert len(seen.views) == 5


def test_a_node_in_handshake_is_no_member_yet():
    healthy = cluster(shards=3, replicas=0)
    rows = (*healthy.rows, Row(9, 0, 0, flags="handshake"))
    seen = Shards(healthy.tells(1, rows).snapshot())
    assert node_id(9) not in seen.members


def test_a_node_is_known_by_the_address_where_it_answered():
    snapshot = cluster(shards=3, replicas=1).row(6, place="10.9.9.9:6379@16379").snapshot()
    assert Shards(snapshot).shards[2].replicas == (address(6),)


def test_a_node_that_was_set_up_anew_under_a_new_id_is_there_once():
    healthy = cluster(shards=3, replicas=1)
    old = Row(66, 3, 3, flags="fail", link="disconnected", place="10.0.0.6:6379@16379")
    for number in range(1, 7):
        healthy = healthy.tells(number, (*healthy.rows, old))
    seen = Shards(healthy.snapshot())
    assert seen.shards[2].replicas == (address(6),)
    assert node_id(66) not in seen.addresses


def test_nothing_is_made_up_of_silence():
    healthy = cluster(shards=3, replicas=0).snapshot()
    empty = Shards(replace(healthy, nodes=()))
    assert (empty.shards, empty.unassigned) == ((), (SlotRange(0, 16_383),))


@given(st.lists(st.tuples(st.integers(0, 16_383), st.integers(0, 400), st.integers(1, 3)), max_size=6), st.data())
def test_who_owns_some_slots_is_told_run_by_run(claims, data):
    """As by going through all slots one by one."""
    made = cluster(3, 0)
    for epoch, (first, length, number) in enumerate(claims, start=10):
        own = next(row.slots for row in made.rows if row.number == number)
        made = made.row(number, slots=f"{own} {first}-{min(first + length, 16_383)}", epoch=epoch)
    seen = Shards(made.snapshot())
    first = data.draw(st.integers(0, 16_383))
    last = data.draw(st.integers(first, 16_383))
    runs = list(seen.owned_in(SlotRange(first, last)))
    assert [owner for owner, slots in runs for _ in range(slots.first, slots.last + 1)] == [
        *seen.owners[first : last + 1]
    ]
    assert [slots.first for _, slots in runs][1:] == [slots.last + 1 for _, slots in runs][:-1]
