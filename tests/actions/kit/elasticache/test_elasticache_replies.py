"""What boto3 gives back is parsed or Garbled, whatever it is; and events are read by AWS's own words."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.elasticache import replies
from actions.kit.elasticache.events import calls_for, in_order, latest, moved, open_tests
from actions.kit.elasticache.views import Event, Source
from actions.kit.errors import Garbled

NOW = datetime(2025, 1, 2, tzinfo=UTC)
KEYS = (
    *("ReplicationGroups", "ReplicationGroupId", "Status", "NodeGroups", "NodeGroupId", "NodeGroupMembers"),
    *("CacheClusters", "CacheClusterId", "CacheNodes", "Endpoint", "Address", "Port", "ReadEndpoint", "CurrentRole"),
    *("Events", "Date", "SourceType", "SourceIdentifier", "Message", "PendingModifiedValues"),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(NOW),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(["ReplicationGroups", "CacheClusters", "Events"]), values))
def test_whatever_comes_it_parses_or_is_garbled(answer):
    for parse in (
        lambda: replies.parse_group("eu-west-1", answer),
        lambda: replies.parse_names(answer),
        lambda: replies.parse_members(answer),
        lambda: replies.parse_events(answer),
    ):
        with contextlib.suppress(Garbled):
            parse()


def test_a_group_while_it_is_made():
    group = replies.parse_group(
        "eu-west-1",
        {
            "ReplicationGroups": [
                {
                    "ReplicationGroupId": "g",
                    "Status": "creating",
                    "PendingModifiedValues": {"PrimaryClusterId": "g-002", "Resharding": {"SlotMigration": {}}},
                    "NodeGroups": [{"NodeGroupId": "0001", "NodeGroupMembers": [{"CacheClusterId": "g-001"}]}],
                }
            ]
        },
    )
    assert (group.status, group.automatic_failover, group.cluster_mode) == ("creating", "", False)
    assert group.pending == ("PrimaryClusterId g-002", "Resharding")
    assert group.endpoints == ()
    assert group.members[0].primary is None


def event(minute: int, message: str, kind: Source = Source.GROUP) -> Event:
    return Event(NOW + timedelta(minutes=minute), "g" if kind is Source.GROUP else "g-001", kind, message)


CALLED = "Test Failover API called for node group 0001"
DONE = "Failover from primary node g-001 to replica node g-002 completed"


@pytest.mark.parametrize(
    "done",
    [
        DONE,
        "Failover from master node g-001 to replica node g-002 completed",
        "Failover to replica node g-002 completed",
    ],
)
def test_the_end_of_a_failover_is_the_groups_own_event(done):
    events = (event(0, CALLED), event(1, done, Source.MEMBER), event(2, done))
    assert [(one.at, one.new) for one in moved(events, None)] == [(NOW + timedelta(minutes=2), "g-002")]
    assert moved(events[:2], None) == ()
    assert moved(events, NOW + timedelta(minutes=2)) == ()
    assert open_tests(events) == ()
    assert open_tests(events[:2]) == events[:1]


def test_calls_count_from_a_moment_on_and_for_their_shard():
    events = (event(0, CALLED), event(5, CALLED), event(6, "Test Failover API called for node group 0002"))
    assert calls_for(events, "0001", NOW) == events[1:2]
    assert calls_for(events, "0003", None) == ()
    assert latest(events) == NOW + timedelta(minutes=6)
    assert latest(()) is None


def test_each_event_once_and_those_of_one_moment_as_they_came():
    first, second = event(1, "b"), event(1, "a")
    assert in_order((first, second, event(0, "c"), first)) == (event(0, "c"), first, second)
