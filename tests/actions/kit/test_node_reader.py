"""What is not read again must never be told otherwise than by one who reads all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.errors import Garbled
from actions.kit.info import INFO_FIELDS, info_fields
from actions.kit.node_info import parse_info, parse_subscribers
from actions.kit.node_reader import NodeReader
from actions.kit.snapshot import Role

REPLICA = {
    "redis_version": "7.2.4",
    "valkey_version": "9.1.0",
    "server_time_usec": "1700000000000000",
    "run_id": "376b0af6b90a1313638eec1a011c18f32675e6d8",
    "uptime_in_seconds": "100",
    "connected_clients": "5",
    "pubsub_clients": "1",
    "used_memory": "1299200",
    "used_memory_rss": "9000000",
    "maxmemory": "0",
    "loading": "0",
    "rdb_changes_since_last_save": "3",
    "instantaneous_ops_per_sec": "7",
    "sync_partial_err": "0",
    "role": "slave",
    "master_host": "10.0.0.1",
    "master_port": "6379",
    "master_link_status": "up",
    "master_last_io_seconds_ago": "0",
    "master_sync_in_progress": "0",
    "slave_read_repl_offset": "14",
    "slave_repl_offset": "14",
    "slave_priority": "100",
    "master_replid": "a" * 40,
    "master_repl_offset": "14",
    "second_repl_offset": "-1",
}


def text_of(fields):
    return "# Server\r\n" + "".join(f"{name}:{value}\r\n" for name, value in fields.items())


def read_whole(text):
    """As one does who meets the server for the first time, or why not."""
    fields = info_fields(text)
    try:
        return parse_info(fields), parse_subscribers(fields)
    except Garbled as error:
        return str(error)


def read_again(reader, text):
    try:
        read = reader.read(text.encode())
    except Garbled as error:
        return str(error)
    return read.info, read.subscribers


def reader_that_met(text):
    reader = NodeReader()
    for _ in range(3):
        reader.read(text.encode())
    return reader


@pytest.mark.parametrize("name", sorted({*REPLICA, *INFO_FIELDS} - {"slave_read_repl_offset"}))
@pytest.mark.parametrize("value", ["17", "", "-1", "up", "9" * 20, "\u0663", "down", "master"])
def test_each_change_is_seen(name, value):
    other = text_of(REPLICA | {name: value})
    reader = reader_that_met(text_of(REPLICA))
    assert read_again(reader, other) == read_whole(other)
    assert read_again(reader, text_of(REPLICA)) == read_whole(text_of(REPLICA))


@pytest.mark.parametrize(
    "added", ["slave_repl_offset:99", "slave0:ip=10.0.0.9,port=1,state=online,offset=1,lag=0", "maxclients:7"]
)
def test_lines_that_come_behind_are_seen(added):
    other = text_of(REPLICA) + added + "\r\n"
    reader = reader_that_met(text_of(REPLICA))
    for text in (other, text_of(REPLICA), other, other, other.replace("99", "98"), text_of(REPLICA)):
        assert read_again(reader, text) == read_whole(text)


def test_a_replica_that_is_promoted_and_comes_back():
    reader = reader_that_met(text_of(REPLICA))
    promoted = text_of(REPLICA | {"role": "master", "master_repl_offset": "20"})
    for text in (promoted, promoted.replace(":20", ":21"), promoted.replace(":20", ":22"), text_of(REPLICA)):
        assert read_again(reader, text) == read_whole(text)
    assert reader.read(promoted.encode()).info.role is Role.MASTER


def test_a_replica_of_it_that_names_no_host_is_told():
    reader = reader_that_met(text_of(REPLICA))
    odd = text_of(REPLICA) + "slave0:ip=/,port=6379,state=online,offset=1,lag=0\r\n"
    for _ in range(4):
        assert "no address" in reader.read(odd.encode()).unattached
    assert reader.read(text_of(REPLICA).encode()).unattached == ""


values = st.sampled_from(["0", "7", "14", "99999", "", "-1", "up", "down", "slave", "master", "1" * 19, "2" * 20])
changes = st.dictionaries(st.sampled_from(sorted(REPLICA)), values, max_size=6)


@given(st.lists(changes, min_size=2, max_size=6))
def test_whatever_changes_is_read_as_the_whole(steps):
    reader, fields = reader_that_met(text_of(REPLICA)), REPLICA
    for step in steps:
        fields = fields | step
        assert read_again(reader, text_of(fields)) == read_whole(text_of(fields))
