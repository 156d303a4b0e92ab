"""Hosts in an application's setting."""

import pytest

from actions.kit.kubernetes.hosts import hides, hosts_in, pointed_at, without_password

CASES = [
    ("redis-master", ("redis-master",), "10.0.0.9"),
    ("redis-master:6379", ("redis-master",), "10.0.0.9:6390"),
    ("redis://redis-master:6379/0", ("redis-master",), "redis://10.0.0.9:6390/0"),
    ("rediss://:secret@redis-master/0?x=y", ("redis-master",), "rediss://:secret@10.0.0.9/0?x=y"),
    ("[2001:db8::1]:6379", ("2001:db8::1",), "10.0.0.9:6390"),
    ("a:6379, b:6379", ("a", "b"), None),
    ("", (), None),
    ("postgres://db/x", (), None),
    ("not a host!", (), None),
]


@pytest.mark.parametrize(("value", "hosts", "pointed"), CASES)
def test_hosts(value, hosts, pointed):
    assert hosts_in(value) == hosts
    assert pointed_at(value, "10.0.0.9", 6390) == pointed


def test_a_host_of_ipv6_is_written_in_brackets_beside_a_port():
    assert pointed_at("redis-master:6379", "2001:db8::1", 6379) == "[2001:db8::1]:6379"
    assert pointed_at("redis-master", "2001:db8::1", 6379) == "2001:db8::1"


def test_passwords_are_never_shown():
    value = "redis://user:secret@a:6379/0,redis://:other@b"
    assert hides(value)
    assert without_password(value) == "redis://***@a:6379/0,redis://***@b"
