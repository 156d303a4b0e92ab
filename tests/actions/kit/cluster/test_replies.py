import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.cluster.replies import parse_cluster, parse_offsets
from actions.kit.cluster.view import Heard, OpenSlot, SlotRange
from actions.kit.errors import Garbled
from actions.kit.topology import Address
from tests.clusters import cluster, node_id

INFO = (
    b"cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:10923\r\ncluster_slots_pfail:0\r\n"
    b"cluster_slots_fail:5461\r\ncluster_nodes_fail:1\r\ncluster_known_nodes:6\r\ncluster_size:3\r\n"
    b"cluster_current_epoch:6\r\ncluster_my_epoch:1\r\ntotal_cluster_links_buffer_limit_exceeded:0\r\n"
)
VALKEY = b"""\
75d5ce0f468dbb1444c53b1aa9289aeb1685eda8 127.0.0.1:17000@27000 myself,master - 0 0 1 connected 0-5460 \
[5->-9a2f93461c628078aa3abd83598e8b72ca6e8ae1] [7-<-9a2f93461c628078aa3abd83598e8b72ca6e8ae1]
6877e7a4b6cd1072400ca283fa5b4e6a1e356ade 127.0.0.1:17005@27005 slave 75d5ce0f468dbb1444c53b1aa9289aeb1685eda8 0 \
1795407554570 1 connected
9a2f93461c628078aa3abd83598e8b72ca6e8ae1 127.0.0.1:17001@27001 master - 0 1795407554670 2 connected 5461-10922
2fc53e74bf2d4195dbfbc1321915b281b1a20ccc :0@0 slave,noaddr e17d0e7b44a28691d85aee301449fa868caac8ee 0 \
1795407554670 3 disconnected
0d33622d5a7fe4857e1c774b2c102b10cdab3853 127.0.0.1:1@10001 handshake - 0 0 0 disconnected
e17d0e7b44a28691d85aee301449fa868caac8ee 127.0.0.1:17002@27002,host-2.example,,tls-port=0,shard-id=19d8 master,fail \
- 1795407552155 1795407551652 3 disconnected 10923-16382 16383
"""


def test_what_a_node_says_of_its_cluster_is_read():
    view = parse_cluster(INFO, VALKEY)
    assert (view.ok, view.slots_fail, view.size, view.current_epoch) == (False, 5461, 3, 6)
    assert view.me is not None
    assert (view.me.address, view.me.slots) == (Address("127.0.0.1", 17000), (SlotRange(0, 5460),))
    assert "myself" not in view.me.flags
    assert view.migrating == (OpenSlot(5, "9a2f93461c628078aa3abd83598e8b72ca6e8ae1"),)
    assert view.importing == (OpenSlot(7, "9a2f93461c628078aa3abd83598e8b72ca6e8ae1"),)
    failed = view.member("e17d0e7b44a28691d85aee301449fa868caac8ee")
    assert failed is not None
    assert (failed.hostname, failed.bus_port, failed.failed, failed.link_up) == ("host-2.example", 27002, True, False)
    assert failed.slots == (SlotRange(10923, 16382), SlotRange(16383, 16383))
    lost = view.member("2fc53e74bf2d4195dbfbc1321915b281b1a20ccc")
    assert lost is not None
    assert lost.address is None
    joining = view.member("0d33622d5a7fe4857e1c774b2c102b10cdab3853")
    assert joining is not None
    assert joining.joining
    assert not joining.is_master


def test_nodes_that_agree_share_one_table():
    healthy = cluster(shards=3, replicas=1)
    views = [parse_cluster(*healthy.row(1, opened=f"[5->-{node_id(2)}]").texts(number)) for number in range(1, 7)]
    assert len({id(view.members) for view in views}) == 1
    assert [view.my_id for view in views] == [node_id(number) for number in range(1, 7)]
    assert [len(view.migrating) for view in views] == [1, 0, 0, 0, 0, 0]


def test_a_node_that_does_not_know_its_own_address_says_so():
    info, nodes = cluster(shards=3, replicas=0).row(1, place=":6379@16379").texts(1)
    own = parse_cluster(info, nodes).me
    assert own is not None
    assert own.address is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"cluster_state:fail", b"cluster_state:maybe"),
        (b"cluster_size:3", b"cluster_size:-3"),
        (b"cluster_my_epoch:1\r\n", b""),
        (b"myself,", b""),
        (b"75d5ce0f468dbb1444c53b1aa9289aeb1685eda8 127", b"75d5 127"),
        (b"0-5460", b"0-16384"),
        (b"5461-10922", b"10922-5461"),
        (b"10923-16382", b"10923-many"),
        (b"1 connected", b"one connected"),
        (b"127.0.0.1:17001@27001", b"nowhere"),
        (b"6877e7a4b6cd1072400ca283fa5b4e6a1e356ade", b"9a2f93461c628078aa3abd83598e8b72ca6e8ae1"),
    ],
)
def test_what_no_cluster_answers_is_garbled(old, new):
    assert old in INFO + VALKEY
    with pytest.raises(Garbled):
        parse_cluster(INFO.replace(old, new), VALKEY.replace(old, new))


NODE = [b"id", b"e17d", b"port", 6379, b"replication-offset", 72, b"health", b"fail"]


def test_offsets_are_read_out_of_the_shards():
    shard = [b"slots", [0, 5460], b"nodes", [NODE, [*NODE[:1], b"2fc5", *NODE[2:5], 70]]]
    assert parse_offsets([shard, [*shard, b"id", b"19d8"]][:1]) == (Heard("e17d", 72), Heard("2fc5", 70))
    assert parse_offsets([[*shard, b"id", b"19d8"]]) == (Heard("e17d", 72), Heard("2fc5", 70))
    for garbage in (b"", [shard, 7], [[b"nodes", [NODE[:4]]]], [[b"nodes", [[7]]]], [[b"slots", []]]):
        with pytest.raises(Garbled):
            parse_offsets(garbage)


@given(st.binary() | st.integers() | st.none() | st.lists(st.binary()), st.data())
def test_whatever_comes_parses_or_is_garbled(reply, data):
    cut = data.draw(st.integers(0, len(VALKEY)))
    noise = data.draw(st.binary(max_size=20))
    with contextlib.suppress(Garbled):
        parse_cluster(reply, VALKEY)
    with contextlib.suppress(Garbled):
        parse_cluster(INFO, reply)
    with contextlib.suppress(Garbled):
        parse_cluster(INFO, VALKEY[:cut] + noise + VALKEY[cut:])
