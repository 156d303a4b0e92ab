"""What a node holds, from INFO memory and INFO keyspace."""

from __future__ import annotations

import pytest

from actions.kit.errors import Garbled
from actions.kit.ports import Holdings
from actions.kit.tuning.holdings import parse_holdings

KEYSPACE = b"# Keyspace\r\ndb0:keys=5000,expires=7,avg_ttl=0\r\ndb3:keys=1,expires=1,avg_ttl=9\r\n"


def memory(dataset: int, waiting: int, not_counted: int, of_file: int = 0) -> bytes:
    return (
        f"# Memory\r\nused_memory:13647496\r\nused_memory_startup:812000\r\nused_memory_dataset:{dataset}\r\n"
        f"used_memory_dataset_perc:1.98%\r\nmem_not_counted_for_evict:{not_counted}\r\n"
        f"mem_replication_backlog:2097152\r\nmem_clients_slaves:{waiting}\r\nmem_clients_normal:20504\r\n"
        f"mem_aof_buffer:{of_file}\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("dataset", "waiting", "not_counted", "of_file"),
    [
        pytest.param(10_444_072, 20_520, 0, 0, id="nothing waits"),
        pytest.param(253_592, 10_211_000, 0, 0, id="a second ago ten megabytes waited"),
        pytest.param(2**64 - 9_535_408, 20_000_000, 0, 0, id="more waited than there is data"),
        pytest.param(10_464_592, 10_000_000, 10_000_000, 0, id="they wait now"),
        pytest.param(10_464_592, 10_000_000, 10_000_500, 500, id="they wait now, and the file too"),
    ],
)
def test_what_waited_for_a_replica_a_second_ago_is_not_taken_off_the_data(
    dataset: int, waiting: int, not_counted: int, of_file: int
) -> None:
    held = parse_holdings(memory(dataset, waiting, not_counted, of_file), KEYSPACE)
    assert held == Holdings(keys=5_001, expiring=8, dataset=10_464_592, fixed=812_000 + 2_097_152)


@pytest.mark.parametrize("answer", [None, 7, b"", b"used_memory_dataset:12\r\n", b"used_memory_dataset:a lot\r\n"])
def test_what_does_not_tell_the_bytes_is_garbled(answer: object) -> None:
    with pytest.raises(Garbled, match="INFO memory"):
        parse_holdings(answer, KEYSPACE)
