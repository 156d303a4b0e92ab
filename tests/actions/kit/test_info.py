"""What is expected of an INFO must never read it otherwise than a search would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.errors import Garbled
from actions.kit.info import MOST_LINES, InfoReader, info_fields

INFO = """# Server
redis_version:7.0.15
redis_mode:standalone
run_id:376b0af6b90a1313638eec1a011c18f32675e6d8

# Memory
used_memory:1299200
used_memory_human:1.24M
maxmemory:0

# Replication
role:master
slave0:ip=10.0.0.2,port=6379,state=online,offset=1400,lag=0
master_repl_offset:1414
repl_backlog_size:1048576
repl_backlog_histlen:238
# Keyspace
db0:keys=1,expires=0,avg_ttl=0
""".replace("\n", "\r\n")
LINES = INFO.split("\n")


def reader_that_met(text):
    """One that expects such an INFO."""
    reader = InfoReader()
    reader.fields(text)
    reader.fields(text)
    return reader


def is_expected(text, met=INFO):
    """Whether it is read without a search."""
    return reader_that_met(met).layout.fields(text) is not None


def test_the_same_lines_with_other_values_are_expected():
    other = INFO.replace("1414", "999999").replace("1.24M", "").replace("lag=0", "lag=7").replace("db0:keys=1", "db0:")
    assert is_expected(other)
    assert reader_that_met(INFO).fields(other.encode()) == info_fields(other.encode())
    assert reader_that_met(INFO).fields(other)["slave0"].endswith("lag=7")


@pytest.mark.parametrize(
    "change",
    [
        ("role:master", "role:master\r\nslave_priority:7"),
        ("used_memory_human:", "evicted_keys:"),
        ("redis_mode:", "redis_mode"),
        ("# Memory", "# Memory of"),
        ("slave0:", "slave1:"),
    ],
)
def test_other_lines_are_not_expected_and_searched(change):
    other = INFO.replace(*change)
    assert not is_expected(other)
    assert reader_that_met(INFO).fields(other) == info_fields(other)


def test_a_reader_learns_anew_where_a_server_changes():
    reader = reader_that_met(INFO)
    promoted = INFO.replace("slave0", "slave_priority:100\r\nslave1")
    reader.fields(promoted)
    assert reader.layout.fields(promoted) == info_fields(promoted)


def test_a_line_that_is_read_behind_those_that_are_expected_counts():
    later = INFO + "master_repl_offset:1500\r\nslave1:ip=10.0.0.3\r\n"
    assert is_expected(later)
    fields = reader_that_met(INFO).fields(later)
    assert (fields["master_repl_offset"], fields["slave1"]) == ("1500", "ip=10.0.0.3")


@pytest.mark.parametrize(
    "text", ["", "\r\n", "nothing:1\r\n", "role", "role:", "x\n" * (2 * MOST_LINES) + "role:master\n"]
)
def test_odd_texts(text):
    reader = reader_that_met(text)
    assert reader.fields(text) == info_fields(text)
    assert reader.fields(INFO) == info_fields(INFO)


def test_no_text_is_garbled():
    with pytest.raises(Garbled):
        InfoReader().fields(7)


lines = st.sampled_from(LINES) | st.text("role:slave0 \r\n#x")
texts = st.lists(lines, max_size=12).map("\n".join) | st.permutations(LINES).map("\n".join) | st.just(INFO)


@given(st.lists(texts, min_size=3, max_size=6))
def test_whatever_comes_is_read_as_by_a_search(infos):
    reader = InfoReader()
    for text in infos:
        assert reader.fields(text) == info_fields(text)
        assert reader.fields(text) == info_fields(text)
