"""Settings as people write them: read as Redis reads them, or answered with what to write."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.kit.errors import UsageError
from actions.kit.topology import Address
from actions.kit.tuning.sizes import parse_size, rough_size, spelled_size
from actions.kit.tuning.wanted import Wanted, of_node, parse_limits, read, said, shown

NODE, OTHER = Address("10.0.0.1", 6379), Address("10.0.0.2", 6379)
LIMITS = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1_048_576),
        ("100b", 100),
        ("1k", 1_000),
        ("1kb", 1_024),
        ("3M", 3_000_000),
        ("128mb", 128 * 2**20),
        ("4g", 4_000_000_000),
        (" 4GB ", 4 * 2**30),
    ],
)
def test_sizes_have_the_units_of_redis(text: str, size: int) -> None:
    assert parse_size("maxmemory", text) == size


@pytest.mark.parametrize("text", ["", "much", "-1", "1.5gb", "4 gb", "4tb", "4gib", "9" * 20, "٤gb", "10%", "0x10"])
def test_what_is_no_size_is_told_how_one_is_written(text: str) -> None:
    with pytest.raises(UsageError, match="such as 128mb"):
        parse_size("maxmemory", text)


def test_more_than_any_server_has_is_said_to_be() -> None:
    with pytest.raises(UsageError, match="more than any server has"):
        parse_size("maxmemory", "9999999999gb")


@settings(max_examples=50)
@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_size_that_is_spelled_is_read_as_the_same(size: int) -> None:
    assert parse_size("maxmemory", spelled_size(size)) == size
    assert rough_size(size)


def test_values_are_as_a_server_prints_them() -> None:
    options = {
        "MAXMEMORY": "4gb",
        "maxmemory-policy": "AllKeys-LRU",
        "repl-backlog-size": "128mb",
        "client-output-buffer-limit": "Slave 512mb 128mb 60 pubsub 0 0 0",
    }
    assert read(options) == (
        Wanted("maxmemory", "4294967296"),
        Wanted("maxmemory-policy", "allkeys-lru"),
        Wanted("repl-backlog-size", "134217728"),
        Wanted("client-output-buffer-limit", "replica 536870912 134217728 60 pubsub 0 0 0"),
    )


def test_of_buffer_limits_the_other_classes_stay_and_each_server_has_its_own_word() -> None:
    (wanted,) = read({"client-output-buffer-limit": "replica 1gb 512mb 90"})
    assert wanted.on(LIMITS) == "normal 0 0 0 slave 1073741824 536870912 90 pubsub 33554432 8388608 60"
    assert wanted.on("replica 0 0 0") == "replica 1073741824 536870912 90"
    assert parse_limits(LIMITS)["pubsub"] == (33_554_432, 8_388_608, 60)
    assert shown(wanted.name, LIMITS) == "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60"
    assert said(wanted.name, LIMITS, wanted.on(LIMITS)) == (
        "client-output-buffer-limit replica 256mb 64mb 60 to replica 1gb 512mb 90"
    )


def test_one_node_can_be_meant_alone_and_counts_before_all() -> None:
    wanted = read({"maxmemory@10.0.0.3,10.0.0.1:6379": "2gb", "maxmemory": "1gb"})
    assert of_node(wanted, NODE)["maxmemory"].value == str(2 * 2**30)
    assert of_node(wanted, OTHER)["maxmemory"].value == str(2**30)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("max-memory", "4gb", "tune does not set 'max-memory'; did you mean maxmemory? It sets maxmemory, maxmemory-"),
        ("appendonly", "yes", "It sets maxmemory, maxmemory-policy, repl-backlog-size and client-output-buffer-limit."),
        ("maxmemory", " ", "maxmemory needs a value; type it as maxmemory=4gb"),
        ("maxmemory-policy", "lru", "there is no 'lru'; there are noeviction, allkeys-lru"),
        ("maxmemory-policy", "allkeys-lur", "did you mean allkeys-lru?"),
        ("repl-backlog-size", "100", "a server has at least 16kb"),
        ("client-output-buffer-limit", "512mb", "takes a class, a hard limit, a soft limit and seconds"),
        ("client-output-buffer-limit", "master 1mb 1mb 60", "there is no class 'master'; there are normal, replica"),
        ("client-output-buffer-limit", "replica 1mb 1mb soon", "'soon' is no number of seconds"),
        ("client-output-buffer-limit", "slave 0 0 0 replica 0 0 0", "a class is there twice"),
        ("client-output-buffer-limit", "normal 1kb 0 0", "cuts off whoever looks at the node, and Tandem too"),
        ("maxmemory@", "4gb", "is not an address"),
    ],
)
def test_what_is_not_understood_is_told_what_there_is(name: str, value: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read({name: value})
    assert sentence in str(caught.value)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=40), st.text(max_size=60), max_size=3))
def test_whatever_is_typed_is_understood_or_answered(options: dict[str, str]) -> None:
    try:
        read(options)
    except UsageError as error:
        assert str(error)  # noqa: PT017 -- Both outcomes are right; nothing else may be raised.
