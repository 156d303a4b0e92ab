"""What Sentinels publish, as Redis 7.0 and Valkey 9.1 publish it, and what anybody else might."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.sentinel_events import Instance, SentinelEvent, parse_event
from actions.kit.topology import Address

MASTER, REPLICA = Address("127.0.0.1", 6379), Address("127.0.0.2", 6380)


@pytest.mark.parametrize(
    ("channel", "payload", "event"),
    [
        ("+sdown", "master orders 127.0.0.1 6379", SentinelEvent("+sdown", "orders", Instance.MASTER, MASTER)),
        (
            "+odown",
            "master orders 127.0.0.1 6379 #quorum 2/2",
            SentinelEvent("+odown", "orders", Instance.MASTER, MASTER, details="quorum 2/2"),
        ),
        (
            "+sdown",
            "slave 127.0.0.2:6380 127.0.0.2 6380 @ orders 127.0.0.1 6379",
            SentinelEvent("+sdown", "orders", Instance.REPLICA, REPLICA),
        ),
        (
            "-sdown",
            "sentinel 0123456789abcdef0123456789abcdef01234567 127.0.0.2 6380 @ orders 127.0.0.1 6379",
            SentinelEvent("-sdown", "orders", Instance.SENTINEL, REPLICA),
        ),
        (
            "+switch-master",
            "orders 127.0.0.1 6379 127.0.0.2 6380",
            SentinelEvent("+switch-master", "orders", Instance.MASTER, MASTER, REPLICA),
        ),
        (
            "+sdown",
            "master orders ::1 6379",
            SentinelEvent("+sdown", "orders", Instance.MASTER, Address("::1", 6379)),
        ),
        ("+tilt", "#tilt mode entered", SentinelEvent("+tilt", details="tilt mode entered")),
        ("+new-epoch", "7", SentinelEvent("+new-epoch", details="7")),
    ],
)
def test_what_sentinels_say(channel: str, payload: str, event: SentinelEvent) -> None:
    assert parse_event(channel, payload) == event


@pytest.mark.parametrize(
    ("channel", "payload"),
    [
        ("__sentinel__:hello", "127.0.0.1,26379,…"),
        ("news", "+odown master orders 127.0.0.1 6379"),
        ("", ""),
        ("+odown", "master orders 127.0.0.1"),
        ("+odown", "master orders 127.0.0.1 port"),
        ("+odown", "slave a b 1 orders 127.0.0.1 6379"),
        ("+odown", "slave a b 1 @"),
        ("+switch-master", "orders 127.0.0.1 6379"),
        ("+" + "x" * 100, ""),
    ],
)
def test_what_is_none_of_theirs(channel: str, payload: str) -> None:
    assert parse_event(channel, payload) is None


@given(st.sampled_from(["+odown", "+sdown", "+switch-master", "+tilt", "x"]), st.text(max_size=60))
def test_whatever_comes_it_is_an_event_or_none(channel: str, payload: str) -> None:
    event = parse_event(channel, payload)
    assert event is None or event.name == channel
