"""What a closer look is answered: read, or Garbled; no argument, no key and no user's name is kept."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit import closer_replies
from actions.kit.closer import Closer, Refused, SlowCommand
from actions.kit.errors import Garbled
from actions.kit.snapshot import NodeView
from actions.kit.stats import NodeStats
from tests.builders import healthy, node_at, with_link, with_node, with_view

PARSERS = (closer_replies.parse_settings, closer_replies.parse_acl_log, closer_replies.parse_slowlog)
WORDS = (
    *(b"reason", b"auth", b"command", b"count", b"object", b"age-seconds", b"client-info", b"1.5", b"nan", b"inf"),
    *(b"client-output-buffer-limit", b"slave 1 2 3", b"replica x", b"port", b"6379", b"\xff", b"<!channel>", b""),
)
REPLIES = st.recursive(
    st.none() | st.sampled_from(WORDS) | st.integers(-(10**20), 10**20) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=30,
)


@given(st.sampled_from(PARSERS), REPLIES)
def test_whatever_comes_parses_or_is_garbled(parse, reply):
    with suppress(Garbled):
        parse(reply)


def test_settings_keep_no_secret():
    closer = closer_replies.parse_settings(
        [b"protected-mode", b"yes", b"requirepass", b"s3cret", b"masteruser", b"", b"port", b"0", b"tls-port", b"6379"],
        [b"client-output-buffer-limit", b"normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"],
    )

    limit = {"replica_buffer": 268435456, "replica_soft": (67108864, 60)}
    assert closer == Closer(
        protected_mode=True, has_password=True, has_master_user=False, port=0, tls_port=6379, **limit
    )
    assert "s3cret" not in repr(closer)


@pytest.mark.parametrize("text", [b"normal 0 0 0 replica 5 0 0", b"replica 5 0 0 normal 0 0 0", b"slave 5 0 0"])
def test_the_limit_of_replicas_by_either_name(text):
    closer = closer_replies.parse_settings([b"client-output-buffer-limit", text])
    assert (closer.replica_buffer, closer.replica_soft) == (5, (0, 0))


def entry(why: bytes, what: bytes, client: bytes = b"id=3 addr=10.0.0.2:40000 laddr=10.0.0.1:6379 name=") -> list:
    return [
        *(b"count", 4, b"reason", why, b"context", b"toplevel", b"object", what),
        *(b"username", b"somebody", b"age-seconds", b"1.5", b"client-info", client),
    ]


def test_who_was_refused():
    log = [entry(b"command", b"PSYNC"), entry(b"auth", b"AUTH", b"addr=[::1]:5"), entry(b"key", b"customer:1"), b"?"]
    said = closer_replies.parse_acl_log(log)

    assert said == (
        Refused("command", "psync", "10.0.0.2", 4, 1.5),
        Refused("auth", "auth", "[::1]", 4, 1.5),
        Refused("key", "", "10.0.0.2", 4, 1.5),
    )
    assert "somebody" not in repr(said)
    assert "customer" not in repr(said)


def test_slow_commands_without_their_arguments():
    log = [
        [7, 1_700_000_000, 12_345, [b"set", b"customer:1", b"secret"], b"10.0.0.9:1", b""],
        [6, 1_700_000_000, 1, [b"<!channel>"]],
        [5, 1_700_000_000, -1, [b"get"]],
        [4, b"?", 1, [b"get"]],
        [],
    ]
    said = closer_replies.parse_slowlog(log)

    assert said == (SlowCommand(7, 1_700_000_000, 12_345, "SET"), SlowCommand(6, 1_700_000_000, 1, "a command"))


def slow(number: int, seconds_ago: int) -> NodeView:
    snapshot = with_node(healthy(), number, stats=NodeStats(time_us=10**15))
    snapshot = with_view(snapshot, number, last_slow=SlowCommand(1, 10**9 - seconds_ago, 5, "KEYS"))
    return snapshot.nodes[number - 1]


def test_only_what_is_amiss_is_looked_at_closer():
    wants = {
        (): [healthy().nodes[0], healthy().nodes[1], slow(2, 61), slow(2, -5)],
        (node_at(2), node_at(1)): [with_link(healthy(), 2, up=False).nodes[1]],
        (node_at(2),): [slow(2, 3)],
    }
    for asked, views in wants.items():
        for view in views:
            assert tuple(closer_replies.wants_closer(view)) == asked
