"""When a node counts as silent, and when its role has moved."""

from datetime import UTC, datetime, timedelta

import pytest

from actions.kit.node_info import parse_named
from actions.kit.pulse import Pulse
from actions.kit.topology import Address

AT = datetime(2025, 1, 1, tzinfo=UTC)
MASTER = b"# Replication\r\nrole:master\r\nmaster_replid:aaa\r\nmaster_repl_offset:70\r\n"
REPLICA = (
    b"# Replication\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\n"
    b"slave_repl_offset:60\r\n"
)


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_one_miss_is_no_silence_and_two_are_told_once():
    pulse = Pulse()
    pulse.heard(AT, MASTER)
    assert [pulse.missed(later(number)) for number in (1, 2, 3)] == [False, True, False]
    assert pulse.silent
    assert (pulse.answered_at, pulse.sign_at) == (AT, later(1))
    pulse.heard(later(4), MASTER)
    assert (pulse.silent, pulse.sign_at) == (False, None)


def test_a_node_that_never_answered_cannot_fall_silent():
    pulse = Pulse()
    assert not any(pulse.missed(AT) for _ in range(5))


def test_a_replica_that_is_a_master_now_says_whom_it_had_followed():
    pulse = Pulse()
    assert pulse.heard(AT, REPLICA) is None
    before = pulse.heard(later(1), MASTER)
    assert before is not None
    assert before.master == Address("10.0.0.1", 6379)
    assert pulse.heard(later(2), MASTER) is None
    assert (pulse.master_since, pulse.master_at) == (later(1), later(2))


def test_what_a_master_was_is_kept_when_it_is_demoted():
    pulse = Pulse()
    pulse.heard(AT, MASTER)
    pulse.heard(later(1), REPLICA)
    assert pulse.standing_as_master is not None
    assert (pulse.standing_as_master.offset, pulse.master_at, pulse.is_master) == (70, AT, False)


@pytest.mark.parametrize("info", [b"", b"role:", b"# Replication\r\nrole:master\r\n", b"\xff" * 80])
def test_what_cannot_be_read_is_no_standing(info):
    pulse = Pulse()
    pulse.heard(AT, info)
    assert pulse.standing is None


def test_a_node_names_its_master_and_its_replicas():
    attached = b"slave0:ip=10.0.0.2,port=6380,state=online,offset=1,lag=0\r\n"
    assert parse_named(MASTER + attached) == (Address("10.0.0.2", 6380),)
    assert parse_named(REPLICA) == (Address("10.0.0.1", 6379),)
