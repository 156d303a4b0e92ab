"""Which events of AWS are trouble, and whose they are."""

from datetime import UTC, datetime

import pytest

from actions.kit.elasticache.alarms import meaning, target_of
from actions.kit.elasticache.views import Event, Source

GROUPS = {"aragora-redis": "search", "aragora": "other"}


def event(message: str = "", source: str = "aragora-redis") -> Event:
    return Event(datetime(2025, 1, 1, tzinfo=UTC), source, Source.GROUP, message)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Failover from primary node a-001 to replica node a-002 completed", "ElastiCacheFailedOver"),
        ("Failover to replica node a-002 completed", "ElastiCacheFailedOver"),
        ("Test Failover API called for node group 0001", "ElastiCacheTestFailover"),
        ("Recovering cache nodes 0001", "ElastiCacheRecovering"),
        ("Unable to create a snapshot: insufficient memory", "ElastiCacheTrouble"),
        ("Cache node 0001 restarted", "ElastiCacheNodeChanged"),
    ],
)
def test_what_is_trouble(message, name):
    found = meaning(event(message))
    assert found is not None
    assert found[0] == name


@pytest.mark.parametrize(
    "message", ["Finished recovery for cache nodes 0001", "Snapshot succeeded", "Automatic failover has been turned on"]
)
def test_what_is_none(message):
    assert meaning(event(message)) is None


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("aragora-redis", "search"),
        ("aragora-redis-001", "search"),
        ("aragora-redis-0002-003", "search"),
        ("aragora-001", "other"),
        ("aragora-redis-2", None),
        ("aragora-redis-2-001", None),
        ("elsewhere-001", None),
    ],
)
def test_whose_it_is(source, target):
    assert target_of(event(source=source), GROUPS) == target
