"""Who of a server's clients is an application, as seven versions list them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.kit.clients import Clients, parse_clients
from actions.kit.errors import Garbled


def line(cmd, idle=0, name="", flags="N"):
    where = f"id=7 addr=10.0.0.9:5050 laddr=10.0.0.1:6379 fd=8 name={name}"
    return f"{where} age=90 idle={idle} flags={flags} db=0 cmd={cmd} user=a"


@pytest.mark.parametrize(
    ("lines", "clients"),
    [
        pytest.param((), Clients(), id="nobody"),
        pytest.param((line("set"), line("get")), Clients(2, 1), id="one writes, one reads"),
        pytest.param((line("hset", 3),), Clients(1, 0), id="it wrote a while ago"),
        pytest.param((line("xgroup|create"), line("evalsha")), Clients(2, 1), id="subcommands, scripts"),
        pytest.param((line("client|list"), line("info"), line("NULL"), line("ping")), Clients(), id="monitors and we"),
        pytest.param(
            (line("publish", name="sentinel-4f2a-cmd"), line("set", name="sentinel-x")), Clients(), id="Sentinel"
        ),
        pytest.param((line("set", 5, flags="b"), line("set")), Clients(2, 1, 1), id="one waits for a pause to end"),
        pytest.param((line("blpop", flags="b"), line("wait", flags="b")), Clients(2, 1), id="who waits for data"),
        pytest.param(("addr=10.0.0.9:5050 idle=999999999999 cmd=set", "cmd=set"), Clients(2, 0), id="half a line"),
    ],
)
def test_clients(lines, clients):
    assert parse_clients("".join(f"{one}\n" for one in lines).encode()) == clients


@given(st.one_of(st.binary(), st.text().map(lambda text: f"cmd={text} idle={text}".encode())))
def test_whatever_it_lists_is_counted(reply):
    found = parse_clients(reply)
    assert 0 <= found.writing <= found.application
    assert 0 <= found.waiting <= found.application


@pytest.mark.parametrize("reply", [None, 3, [b"cmd=set"]])
def test_no_list(reply):
    with pytest.raises(Garbled):
        parse_clients(reply)
