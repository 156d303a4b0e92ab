import asyncio
import contextlib
import select
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from actions.adapters.redis.connection import CommandFailed, ExchangeError, Node, Request
from actions.adapters.redis.deadline import Deadline
from actions.adapters.redis.wire import Wire
from actions.kit.errors import AccessDenied, CommandRefused, Garbled, Unreachable
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Credentials, Tls
from sandbox.redis import replication

pytestmark = pytest.mark.servers
PASSWORD = "correct-horse"
SLOW_LOAD = {"key-load-delay": "2000", "rdbcompression": "no"}
"""Redis 6.2 looks at its clients after every 2 MB that it loads."""
FILL = ("EVAL", "for n = 1, 1000 do redis.call('SET', n, string.rep('x', 8192)) end", "0")


@contextlib.asynccontextmanager
async def node_at(address, *, credentials=Credentials(), tls=None, timeout_s=10.0):
    node = Node(Address.parse(address), credentials, tls, timeout_s)
    try:
        yield node
    finally:
        await node.aclose()


@contextlib.asynccontextmanager
async def answering(answer):
    """A server that is not Redis: answers the first bytes of each connection with ``answer``; None hangs up."""

    serving = set()

    async def serve(reader, writer):
        serving.add(asyncio.current_task())
        await reader.read(1)
        if answer is not None:
            writer.write(answer)
            await reader.read()  # Until the other side goes.
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        await asyncio.gather(*serving, return_exceptions=True)


async def failure_of(node, *commands):
    with pytest.raises(ExchangeError) as caught:
        await node.ask(*(commands or (("PING",),)))
    return caught.value


async def test_all_commands_in_one_round_trip_and_a_refused_one_is_a_value(build):
    async with replication(build, replicas=0) as topology, node_at(topology.node_addresses[0]) as node:
        ponged, refused, number = await node.ask(("PING",), ("NONSENSE", "secret"), ("INCR", "counter"))
    assert (ponged, number) == (b"PONG", 1)
    assert isinstance(refused, CommandFailed)
    assert refused.reason is Reason.REFUSED_COMMAND
    assert "unknown command" in refused.text
    assert "secret" not in refused.text


async def test_a_connection_that_was_killed_is_replaced_before_anything_is_sent(build):
    async with replication(build, replicas=0) as topology, node_at(topology.node_addresses[0]) as node:
        (first,) = await node.ask(("CLIENT", "ID"))
        await topology.nodes[0].command("CLIENT", "KILL", "ID", str(first))
        (second,) = await node.ask(("CLIENT", "ID"))
        await topology.nodes[0].restart()
        assert await node.ask(("PING",)) == [b"PONG"]
    assert second > first


async def test_refused_at_a_closed_port():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with node_at(f"127.0.0.1:{closed.getsockname()[1]}") as node:
            error = await failure_of(node)
    assert error.reason is Reason.REFUSED
    assert isinstance(error, Unreachable)
    assert str(error) == f"node {node.address}: the connection was refused"


async def test_refused_at_every_address_of_a_name():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with node_at(f"localhost:{closed.getsockname()[1]}") as node:
            assert (await failure_of(node)).reason is Reason.REFUSED


async def test_unresolved():
    async with node_at("no-such-host.invalid:6379", timeout_s=60) as node:
        error = await failure_of(node)
    assert error.reason is Reason.UNRESOLVED
    assert isinstance(error, Unreachable)


async def test_a_late_answer_is_never_read_as_the_answer_to_a_later_question(build):
    async with replication(build, replicas=0) as topology:
        server = topology.nodes[0]
        async with node_at(server.address, timeout_s=2.5) as node:
            assert await node.ask(("ECHO", "first")) == [b"first"]
            await server.hang()
            error = await failure_of(node, ("ECHO", "second"))
            await server.resume()
            assert await node.ask(("ECHO", "third")) == [b"third"]
    assert error.reason is Reason.TIMED_OUT
    assert isinstance(error, Unreachable)


async def test_a_cancelled_exchange_closes_its_connection(build):
    async with replication(build, replicas=0) as topology:
        server = topology.nodes[0]
        async with node_at(server.address) as node:
            await node.ask(("PING",))
            await server.hang()
            asking = asyncio.ensure_future(node.ask(("ECHO", "given up")))
            await asyncio.sleep(0.05)
            asking.cancel()
            await asyncio.wait({asking})
            await server.resume()
            assert asking.cancelled()
            assert await node.ask(("ECHO", "next")) == [b"next"]


def test_a_loop_in_another_thread_receives_elsewhere():
    with ThreadPoolExecutor(1) as elsewhere:
        other = elsewhere.submit(Wire).result()
    assert Wire().get_buffer(-1) is Wire().get_buffer(-1)
    assert other.get_buffer(-1) is not Wire().get_buffer(-1)


async def test_what_was_begun_holds_the_connection_until_its_answer_is_there(build):
    async with replication(build, replicas=0) as topology, node_at(topology.node_addresses[0]) as node:
        with contextlib.closing(Deadline(10)) as deadline:
            assert node.begin(Request.of(("ECHO", "cold")), deadline) is None
            await node.ask(("PING",))
            first = node.begin(Request.of(("CLIENT", "ID"), ("ECHO", "first")), deadline)
            assert node.begin(Request.of(("ECHO", "busy")), deadline) is None
            second, third = await asyncio.gather(node.ask(("ECHO", "second")), node.ask(("CLIENT", "ID")))
            assert first.done()
            client, said = node.end(first)
    assert (said, second, third) == (b"first", [b"second"], [client])


async def test_a_shared_deadline_ends_only_what_has_no_answer(build):
    async with replication(build, replicas=1) as topology:
        fast, slow = topology.node_addresses
        async with node_at(fast) as answering, node_at(slow) as hanging:
            for node in (answering, hanging):
                await node.ask(("PING",))
            await topology.nodes[1].hang()
            with contextlib.closing(Deadline(1.5)) as deadline:
                answers = [node.begin(Request.of(("ECHO", "first")), deadline) for node in (answering, hanging)]
                await asyncio.wait(answers)
            assert answering.end(answers[0]) == [b"first"]
            with pytest.raises(ExchangeError) as caught:
                hanging.end(answers[1])
            assert caught.value.reason is Reason.TIMED_OUT
            await topology.nodes[1].resume()
            assert await hanging.ask(("ECHO", "second")) == [b"second"]


async def test_what_was_begun_and_given_up_is_never_read_as_the_next_answer(build):
    async with replication(build, replicas=0) as topology, node_at(topology.node_addresses[0]) as node:
        await node.ask(("PING",))
        with contextlib.closing(Deadline(10)) as deadline:
            node.begin(Request.of(("ECHO", "given up")), deadline).cancel()
            assert node.begin(Request.of(("ECHO", "next")), deadline) is None
            assert await node.ask(("ECHO", "next")) == [b"next"]


async def test_what_is_given_up_before_it_arrived_never_arrives():
    """The kernel would go on sending it: a failover that was not answered, when its fence is long down again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # Full at once, as behind a path that is cut.
        listening.setblocking(False)
        accepted = asyncio.create_task(asyncio.get_running_loop().sock_accept(listening))
        async with node_at("{}:{}".format(*listening.getsockname()), timeout_s=0.5) as node:
            failure = await failure_of(node, ("SET", "key", "x" * 60_000))
            assert failure.reason is Reason.TIMED_OUT
        other, _ = await accepted
    other.settimeout(60)
    with other, pytest.raises(ConnectionResetError):
        b"".join(iter(lambda: other.recv(65_536), b""))


async def test_noauth_and_wrongpass(build):
    async with replication(build, replicas=0, password=PASSWORD) as topology:
        address = topology.node_addresses[0]
        async with node_at(address) as node:
            (refused,) = await node.ask(("INFO",))
        async with node_at(address, credentials=Credentials(None, "not that one")) as node:
            error = await failure_of(node)
        async with node_at(address, credentials=Credentials(None, PASSWORD)) as node:
            assert await node.ask(("PING",)) == [b"PONG"]
            assert PASSWORD not in repr(vars(node))
    assert refused.reason is Reason.NOAUTH
    assert error.reason is Reason.WRONGPASS
    assert isinstance(error, AccessDenied)
    assert "not that one" not in str(error)


async def test_a_password_where_none_is_set_is_wrong(build):
    async with (
        replication(build, replicas=0) as topology,
        node_at(topology.node_addresses[0], credentials=Credentials(None, PASSWORD)) as node,
    ):
        assert (await failure_of(node)).reason is Reason.WRONGPASS


async def test_no_password_in_the_error_of_a_server_that_does_not_know_auth():
    answer = f"-ERR unknown command `AUTH`, with args beginning with: `{PASSWORD}`, \r\n".encode()
    async with answering(answer) as address, node_at(address, credentials=Credentials(None, PASSWORD)) as node:
        assert PASSWORD not in str(await failure_of(node))
    echo = f"-ERR {PASSWORD}\r\n".encode()
    async with answering(echo) as address, node_at(address, credentials=Credentials(None, PASSWORD)) as node:
        assert PASSWORD not in str(await failure_of(node))


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\x17random", b"SSH-2.0-OpenSSH_9.2\r\n", b"*1\r\nx"],
)
async def test_garbage(answer):
    async with answering(answer) as address, node_at(address) as node:
        error = await failure_of(node)
    assert error.reason is Reason.GARBAGE
    assert isinstance(error, Garbled)


async def test_a_server_that_hangs_up():
    async with answering(None) as address, node_at(address) as node:
        assert (await failure_of(node)).reason is Reason.CLOSED


@pytest.mark.parametrize(("repeatable", "reason"), [(True, Reason.REFUSED), (False, Reason.CLOSED)])
async def test_a_dying_server_that_resets_a_new_connection_before_its_port_is_closed(repeatable, reason):
    """As the kernel does it for a process that was killed: its backlog is reset when its port goes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with node_at("{}:{}".format(*listening.getsockname())) as node:
            asking = asyncio.ensure_future(node.ask(("PING",), repeatable=repeatable))
            while not select.select([listening], [], [], 0)[0]:
                await asyncio.sleep(0.01)
            listening.close()
            with pytest.raises(ExchangeError) as caught:
                await asking
    assert caught.value.reason is reason


async def test_a_server_that_says_why_it_hangs_up(build):
    async with (
        replication(build, replicas=0) as topology,
        node_at(topology.node_addresses[0]) as first,
        node_at(topology.node_addresses[0]) as second,
    ):
        await first.ask(("CONFIG", "SET", "maxclients", "1"))
        with contextlib.suppress(ExchangeError):  # The hang-up may overtake the words.
            assert [refused.text for refused in await second.ask(("PING",), ("PING",))] == [
                "ERR max number of clients reached"
            ] * 2


async def test_loading(build):
    async with replication(build, replicas=0, extra_config=SLOW_LOAD) as topology:
        server = topology.nodes[0]
        async with node_at(server.address) as node:
            assert await node.ask(FILL, ("SAVE",)) == [None, b"OK"]
            await server.kill()
            starting = asyncio.ensure_future(server.start())
            try:
                refused = await _until_failed(node, Reason.LOADING)
            finally:
                await server.kill()
                await asyncio.gather(starting, return_exceptions=True)
    assert refused.text.startswith("LOADING")


async def test_busy(build):
    async with replication(build, replicas=0, extra_config={"lua-time-limit": "1"}) as topology:
        address = topology.node_addresses[0]
        async with node_at(address, timeout_s=60) as running, node_at(address) as node:
            script = asyncio.ensure_future(running.ask(("EVAL", "while true do end", "0")))
            refused = await _until_failed(node, Reason.BUSY)
            assert await node.ask(("SCRIPT", "KILL")) == [b"OK"]
            await script
    assert refused.text.startswith("BUSY")


async def test_masterdown(build):
    async with (
        replication(build, replicas=1, extra_config={"replica-serve-stale-data": "no"}) as topology,
        node_at(topology.node_addresses[1]) as node,
    ):
        await topology.nodes[0].kill()
        refused = await _until_failed(node, Reason.MASTERDOWN)
    assert refused.text.startswith("MASTERDOWN")


async def _until_failed(node, reason):
    """Ask until it is refused for this reason; the time-out of the test bounds it."""
    while True:
        with contextlib.suppress(ExchangeError):
            (reply,) = await node.ask(("GET", "k"))
            if isinstance(reply, CommandFailed) and reply.reason is reason:
                return reply
        await asyncio.sleep(0.01)


async def test_text_of_a_server_is_one_short_line():
    async with answering(b"-ERR " + b"x\t\x1b[31m" * 400 + b"\r\n") as address, node_at(address) as node:
        (refused,) = await node.ask(("PING",))
    assert len(refused.text) <= 200
    assert refused.text.isprintable()


async def test_transaction(build):
    async with replication(build, replicas=0) as topology, node_at(topology.node_addresses[0]) as node:
        assert await node.transaction(("SET", "k", "1"), ("INCR", "k")) == [b"OK", 2]
        with pytest.raises(CommandRefused, match="NONSENSE"):
            await node.transaction(("INCR", "k"), ("NONSENSE",))
        with pytest.raises(CommandRefused, match="LPUSH k"):
            await node.transaction(("LPUSH", "k", "1"))
        assert await node.ask(("GET", "k")) == [b"2"]


async def test_tls_to_a_port_without_it(build):
    async with (
        replication(build, replicas=0) as topology,
        node_at(topology.node_addresses[0], tls=Tls(), timeout_s=4) as node,
    ):
        error = await failure_of(node)
    assert error.reason is Reason.TLS
    assert "does not speak TLS" in str(error)


async def test_tls_reasons(tls_build):
    async with replication(tls_build, replicas=0, tls=True) as topology:
        address, ca_file = topology.node_addresses[0], str(topology.tls.ca_file)
        reasons = {}
        cases = {
            "none": None,
            "authority": Tls(),
            "file": Tls(ca_file="missing.pem"),
        }
        for case, tls in cases.items():
            async with node_at(address, tls=tls) as node:
                reasons[case] = await failure_of(node)
        async with node_at(address, tls=Tls(ca_file)) as node:
            assert await node.ask(("PING",)) == [b"PONG"]
        await topology.nodes[0].command("CONFIG", "SET", "tls-auth-clients", "yes")
        async with node_at(address, tls=Tls(ca_file)) as node:
            reasons["client"] = await failure_of(node)
        await topology.nodes[0].kill()
    assert {error.reason for error in reasons.values()} == {Reason.TLS}
    assert all(isinstance(error, AccessDenied) for error in reasons.values())
    assert "this port speaks TLS" in str(reasons["none"])
    assert "not trusted" in str(reasons["authority"])
    assert "missing.pem" in str(reasons["file"])
    assert "certificate required" in str(reasons["client"])


async def test_tls_and_the_wrong_host(tls_build):
    async with replication(tls_build, replicas=0, tls=True) as topology:
        real = Address.parse(topology.node_addresses[0])
        await topology.nodes[0].command("CONFIG", "SET", "bind", f"{real.host} 127.0.0.1")
        ca_file = str(topology.tls.ca_file)
        async with node_at(f"127.0.0.1:{real.port}", tls=Tls(ca_file)) as node:
            error = await failure_of(node)
        async with node_at(f"127.0.0.1:{real.port}", tls=Tls(ca_file, check_hostname=False)) as node:
            assert await node.ask(("PING",)) == [b"PONG"]
    assert error.reason is Reason.TLS
    assert "127.0.0.1" in str(error)


async def test_a_hung_tls_server_costs_one_time_out_and_closing_does_not_wait_for_it(tls_build):
    async with replication(tls_build, replicas=0, tls=True) as topology:
        ca_file = str(topology.tls.ca_file)
        async with node_at(topology.node_addresses[0], tls=Tls(ca_file), timeout_s=2) as node:
            await node.ask(("PING",))
            await topology.nodes[0].hang()
            warm = await failure_of(node)
            cold = await failure_of(node)
        await topology.nodes[0].resume()
    assert (warm.reason, cold.reason) == (Reason.TIMED_OUT, Reason.TIMED_OUT)
