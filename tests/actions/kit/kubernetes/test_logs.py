"""What an application's log tells of trouble with Redis is counted by kind; the lines are not kept."""

from datetime import UTC, datetime

import pytest

from actions.kit.kubernetes.logs import CONNECTION, kind_of, search

LINES = {
    "redis.exceptions.ReadOnlyError: READONLY You can't write against a read only replica.": "READONLY",
    "ReplyError: NOAUTH Authentication required.": "NOAUTH",
    "(error) MOVED 3999 10.0.0.5:6379": "MOVED",
    "ASK 3999 10.0.0.5:6379": "ASK",
    "LOADING Redis is loading the dataset in memory": "LOADING",
    "OOM command not allowed when used memory > 'maxmemory'.": "OOM",
    "redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.": CONNECTION,
    "dial tcp 10.0.0.5:6379: connect: connection refused": CONNECTION,
    "Error: connect ECONNREFUSED 10.0.0.5:6379 (redis)": CONNECTION,
    "redis: Timed out reading from socket": CONNECTION,
}
OTHERS = (
    "connection refused by postgres",
    "MOVED_PERMANENTLY 301 to /login",
    "Readonly mode is off",
    "we ASK the user",
    "BUSY day today",
    "redis is well",
    "",
)


@pytest.mark.parametrize(("line", "kind"), LINES.items())
def test_trouble_is_known_by_its_words(line, kind):
    assert kind_of(line) == kind


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_are_no_trouble(line):
    assert kind_of(line) == ""


def test_counts_of_all_pods_and_when_the_last_was():
    first = "2025-01-01T00:00:01.123456789Z READONLY x\n2025-01-01T00:00:02Z fine\n2025-01-01T00:00:03Z READONLY y\n"
    second = "2025-01-01T00:00:05.5Z key secret:42 NOAUTH password is hunter2\nno stamp READONLY\n"
    found = search((first, second, ""), ("api-3 (it has no log)",))
    assert (found.pods, found.counts) == (3, (("READONLY", 3), ("NOAUTH", 1)))
    assert found.last == datetime(2025, 1, 1, 0, 0, 5, 500_000, UTC)
    assert found.words == "3 READONLY, 1 NOAUTH"
    assert "hunter2" not in repr(found)
