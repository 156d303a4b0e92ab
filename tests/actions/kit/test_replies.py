import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit import node_info, replies, sentinel_replies
from actions.kit.errors import Garbled
from actions.kit.info import INFO_FIELDS, info_fields
from actions.kit.snapshot import AttachedReplica, Link, NodeConfig, Role
from actions.kit.topology import Address

MASTER = """# Server
redis_version:7.0.15
redis_mode:standalone
run_id:376b0af6b90a1313638eec1a011c18f32675e6d8
uptime_in_seconds:12
config_file:/etc/redis/redis.conf
# Clients
connected_clients:7
maxclients:10000
blocked_clients:0
# Memory
used_memory:1299200
maxmemory:0
maxmemory_policy:noeviction
# Persistence
loading:0
rdb_changes_since_last_save:3
rdb_last_bgsave_status:err
aof_enabled:0
aof_last_write_status:ok
# Stats
instantaneous_ops_per_sec:31
rejected_connections:0
evicted_keys:0
# Replication
role:master
connected_slaves:3
min_slaves_good_slaves:2
slave0:ip=10.0.0.2,port=6379,state=online,offset=1400,lag=0
slave1:ip=2001:db8::3,port=6380,state=wait_bgsave,offset=0,lag=7,type=replica
slave2:ip=127.0.0.1,port=0,state=send_bulk,offset=0,lag=0
slave3:ip=,port=6379,state=send_bulk,offset=0,lag=0
master_failover_state:no-failover
master_replid:71b39f99999436ef1900a72990a475b22e09baf8
master_replid2:0000000000000000000000000000000000000000
master_repl_offset:1414
second_repl_offset:-1
repl_backlog_size:1048576
""".replace("\n", "\r\n")

REPLICA = """redis_version:7.2.4
server_name:valkey
valkey_version:9.1.2
run_id:20c7f7b7ab4a2542e8cf2b21d22b19574661dc9e
uptime_in_seconds:2
connected_clients:8
pubsub_clients:3
loading:0
role:slave
master_host:2001:db8::1
master_port:6379
master_link_status:down
master_last_io_seconds_ago:-1
master_sync_in_progress:1
master_sync_left_bytes:512
master_link_down_since_seconds:4
slave_repl_offset:900
slave_priority:0
slave_read_only:1
master_replid:80e8ccf9cf124dcdab05864ae738161c9cfe9183
master_repl_offset:901
""".replace("\n", "\r\n")


def info(text):
    return node_info.parse_info(info_fields(text.encode()))


def test_a_master():
    seen = info(MASTER)
    assert (seen.role, seen.flavour, seen.version) == (Role.MASTER, "redis", (7, 0, 15))
    assert (seen.offset, seen.second_repl_offset, seen.good_replicas) == (1414, -1, 2)
    assert (seen.last_bgsave_ok, seen.aof_enabled, seen.last_aof_write_ok) == (False, False, True)
    assert seen.link is None


def test_dump_connections_are_no_replicas_and_ipv6_is_an_address():
    assert info(MASTER).replicas == (
        AttachedReplica(Address("10.0.0.2", 6379), "online", 1400, 0),
        AttachedReplica(Address("2001:db8::3", 6380), "wait_bgsave", 0, 7),
    )


def test_a_replica_has_applied_its_own_offset_and_minus_one_is_unknown():
    seen = info(REPLICA)
    assert (seen.role, seen.flavour, seen.version) == (Role.REPLICA, "valkey", (9, 1, 2))
    assert (seen.offset, seen.priority, seen.read_only) == (900, 0, True)
    assert seen.link == Link(
        Address("2001:db8::1", 6379),
        up=False,
        sync_in_progress=True,
        last_io_s=None,
        down_since_s=4,
        sync_left_bytes=512,
    )


def test_what_a_server_does_not_say_is_unknown():
    seen = info(REPLICA)
    assert seen.max_memory is None
    assert seen.evicted_keys is None
    assert seen.last_bgsave_ok is None
    assert seen.good_replicas is None


def test_of_a_repeated_line_the_last_counts():
    assert info(MASTER + "master_repl_offset:7\r\n").offset == 7


@pytest.mark.parametrize("line", ["role:", "role:wizard", "run_id:", "master_repl_offset:1e9", "redis_version:x"])
def test_absurd_values_are_garbled(line):
    with pytest.raises(Garbled):
        info(MASTER + line + "\r\n")


def test_a_truncated_info_is_garbled():
    with pytest.raises(Garbled, match="role"):
        info(MASTER[: MASTER.index("role:")])


def test_a_sentinel_is_no_data_node():
    with pytest.raises(Garbled, match="Sentinel"):
        info("redis_version:7.0.15\r\nredis_mode:sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:0\r\n")


def test_normal_clients_leave_out_subscribers_the_master_and_ourselves():
    linked = REPLICA.replace("master_link_status:down", "master_link_status:up")
    fields = info_fields(linked.encode())
    assert node_info.normal_clients(node_info.parse_info(fields), node_info.parse_subscribers(fields)) == 3


def test_standing():
    master, replica = (node_info.parse_standing(text.encode()) for text in (MASTER, REPLICA))
    assert (master.role, master.offset, master.master) == (Role.MASTER, 1414, None)
    assert (replica.role, replica.offset, replica.link_up) == (Role.REPLICA, 900, False)
    assert replica.master == Address("2001:db8::1", 6379)


@given(st.lists(st.sampled_from((MASTER + REPLICA).split("\r\n"))))
def test_lines_left_out_repeated_or_shuffled_parse_or_are_garbled(lines):
    with contextlib.suppress(Garbled):
        info("\r\n".join(lines))


@given(st.sampled_from((MASTER, REPLICA)), st.data())
def test_absurd_values_anywhere_parse_or_are_garbled(text, data):
    lines = text.split("\r\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = lines[at].partition(":")[0] + ":" + data.draw(st.text())
    with contextlib.suppress(Garbled):
        info("\r\n".join(lines))


WORDS = st.none() | st.integers() | st.binary(max_size=12) | st.sampled_from([b"flags", b"ip", b"port", b"10", b"a"])
REPLIES = st.recursive(WORDS, lambda inner: st.lists(inner, max_size=6), max_leaves=20)
PARSERS = (
    lambda reply: node_info.parse_info(info_fields(reply)),
    node_info.parse_standing,
    replies.parse_role_offset,
    replies.parse_config,
    replies.parse_word,
    sentinel_replies.parse_sentinel_info,
    sentinel_replies.parse_named_master,
    sentinel_replies.parse_peers,
    sentinel_replies.parse_replicas,
    sentinel_replies.parse_names,
    lambda reply: sentinel_replies.parse_master(Address("a", 1), reply),
)


@given(REPLIES, st.sampled_from(PARSERS))
def test_whatever_comes_parses_or_is_garbled(reply, parse):
    with contextlib.suppress(Garbled):
        parse(reply)


def test_a_shuffled_info_says_the_same():
    lines = MASTER.split("\r\n")
    random.Random(7).shuffle(lines)
    assert info("\r\n".join(lines)) == info(MASTER)


@pytest.mark.parametrize("head", ["", "# Keyspace\r\n"])
def test_keys_of_all_databases(head):
    keyspace = f"{head}db0:keys=12,expires=0,avg_ttl=0\r\ndb11:keys=30,expires=1,avg_ttl=0\r\n"
    assert node_info.parse_keys((MASTER + keyspace).encode()) == 42
    assert node_info.parse_keys(MASTER.encode()) == 0


def test_role_and_config():
    assert replies.parse_role_offset([b"master", 14, []]) == 14
    assert replies.parse_role_offset([b"slave", b"10.0.0.1", 6379, b"connected", 12]) == 12
    config = replies.parse_config([b"min-replicas-to-write", b"1", b"min-replicas-max-lag", b"10"], [])
    assert config == NodeConfig(min_replicas_to_write=1, min_replicas_max_lag=10, replica_priority=None)


def flat(**fields):
    return [word.encode() for name, value in fields.items() for word in (name.replace("_", "-"), value)]


def test_a_sentinels_replica():
    reply = flat(
        ip="10.0.0.2",
        port="6379",
        flags="s_down,slave,disconnected",
        info_refresh="7231",
        role_reported="slave",
        role_reported_time="1600",
        master_link_status="ok",
        master_host="10.0.0.1",
        master_port="6379",
        slave_priority="100",
        slave_repl_offset="1400",
    )
    (seen,) = sentinel_replies.parse_replicas([reply])
    assert (seen.address, seen.master) == (Address("10.0.0.2", 6379), Address("10.0.0.1", 6379))
    assert seen.flags == {"s_down", "slave", "disconnected"}
    assert (seen.link_up, seen.priority, seen.offset, seen.info_age_ms) == (True, 100, 1400, 7231)
    assert seen.known_ms == 1600


def test_a_replica_that_sentinel_never_heard_of_has_no_age():
    unheard = flat(
        ip="10.0.0.2", port="6379", flags="slave", info_refresh="0", master_link_status="err", master_host="?"
    ) + flat(master_port="0", slave_priority="100", slave_repl_offset="0")
    (seen,) = sentinel_replies.parse_replicas([unheard])
    assert seen.info_age_ms is None
    assert seen.master is None


def test_peers_that_a_sentinel_holds_to_be_down():
    up, down = (flat(ip="10.0.0.9", port=port, flags=flags) for port, flags in (("1", "sentinel"), ("2", "s_down")))
    assert sentinel_replies.parse_peers([up, down]) == ((Address("10.0.0.9", 1), False), (Address("10.0.0.9", 2), True))


def test_every_field_that_is_read_is_taken_from_info():
    """A name that parse_info asks for and info_fields passes over would be None for ever."""
    asked: set[str] = set()

    class Asked(dict):
        def get(self, name, default=None):
            asked.add(name)
            return super().get(name, default)

        def __contains__(self, name):
            asked.add(name)
            return super().__contains__(name)

    for text in (MASTER + "\r\nerrorstat_OOM:count=1\r\n", REPLICA):
        fields = Asked(info_fields(text.encode()))
        node_info.parse_info(fields)
        node_info.parse_subscribers(fields)
    assert {name for name in asked if not name.removeprefix("slave").isdigit()} == set(INFO_FIELDS)
