"""Pods that cannot be dialled: port-forward leads to them, and redis-cli in the pod shows everything."""

import asyncio
from pathlib import Path

import pytest

from actions import failover
from actions.adapters.kubernetes.cli_output import CommandError, line_of, read, resp, split
from actions.kit.diagnosis import diagnose
from actions.kit.errors import AccessDenied, CommandRefused, Unreachable
from actions.kit.findings import FindingId
from actions.kit.kubernetes.place import Way
from actions.kit.loop import Ending, Outcome, carry_out
from actions.kit.plan import Plan, Refusal
from actions.kit.snapshot import Reason
from actions.kit.topology import Address, Kind
from sandbox.kubernetes import bitnami
from sandbox.kubernetes.api.resources import PODS
from sandbox.kubernetes.kubelet.names import with_names
from sandbox.redis import build
from tests.actions.adapters.kubernetes.test_look import delete, hands_on
from tests.failover import Journal, without_the_long_look

pytestmark = pytest.mark.servers


def dialled(hands):
    """Where the data nodes are dialled."""
    return {questions.node._place for questions in hands._observer._nodes.values()}


async def test_a_failover_through_port_forward():
    """The whole of it: Sentinels, nodes, fence and proof, and no connection goes to a pod directly."""
    async with bitnami(build()) as release, hands_on(release, Kind.SENTINEL, reach=Way.PORT_FORWARD) as hands:
        snapshot = await hands.observe()
        assert diagnose(snapshot).verdict.id is FindingId.HEALTHY, diagnose(snapshot).verdict
        assert {place.host for place in dialled(hands)} == {"127.0.0.1"}
        assert snapshot.agreed_master.host != "127.0.0.1"
        plan = failover.plan(snapshot, {})
        assert isinstance(plan, Plan), plan
        journal = Journal()
        ending = await carry_out(without_the_long_look(plan.steps), hands, journal)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert (await hands.observe()).agreed_master == plan.candidate
        assert {place.host for place in dialled(hands)} == {"127.0.0.1"}


@pytest.mark.parametrize("way", [Way.DIRECT, Way.PORT_FORWARD])
async def test_pods_that_announce_names_are_one_with_their_addresses(way):
    """As the charts do by default: only the cluster's own DNS knows these names, and we do not ask it."""
    with_names_or_skip()
    async with bitnami(build(), hostnames=True) as release, hands_on(release, Kind.SENTINEL, reach=way) as hands:
        snapshot = await hands.observe()
        assert diagnose(snapshot).verdict.id is FindingId.HEALTHY, diagnose(snapshot).verdict
        assert len(snapshot.nodes) == 3
        assert isinstance(plan := failover.plan(snapshot, {}), Plan), plan


def with_names_or_skip():
    try:
        with_names(Path())
    except LookupError as error:
        pytest.skip(str(error))


async def test_who_knocks_without_being_asked_is_not_let_in():
    """Another process on this machine finds the port, and no way through it."""
    async with (
        bitnami(build(), shape="replication", replicas=0) as release,
        hands_on(release, Kind.REPLICATION, reach=Way.PORT_FORWARD) as hands,
    ):
        await hands.observe()
        (place,) = dialled(hands)
        reader, writer = await asyncio.open_connection(*place)
        assert await reader.read() == b""
        writer.close()


async def test_a_pod_that_is_gone_is_dead_and_one_that_never_was_is_not():
    async with (
        bitnami(build(), shape="replication", replicas=1, moving_addresses=True, pace=0.05) as release,
        hands_on(release, Kind.REPLICATION, reach=Way.PORT_FORWARD) as hands,
    ):
        replica = Address.parse(release.address("redis-replicas-0"))
        await hands.observe()
        await delete(release, "redis-replicas-0")
        there = release.cluster.store.select
        await release.cluster.until(lambda: all(one["status"].get("podIP") != replica.host for one in there(PODS)))
        await hands.observe()
        with pytest.raises(Unreachable, match="the connection was refused"):
            await hands.standing(replica)
        with pytest.raises(Unreachable, match="no pod of release redis has the address"):
            await hands.standing(Address("10.255.255.1", 6379))


@pytest.mark.parametrize(("way", "right"), [(Way.PORT_FORWARD, "portforward"), (Way.EXEC, "exec")])
async def test_the_right_that_is_missing_is_named(way, right):
    async with (
        bitnami(build(), shape="replication", replicas=0) as release,
        hands_on(release, Kind.REPLICATION, reach=way) as hands,
    ):
        release.cluster.access.admin.denied = {("create", f"pods/{right}")}
        snapshot = await hands.observe()
        (node,) = snapshot.nodes
        assert f"We may not create pods/{right} (pod redis-master-0" in node.unasked.why
        diagnosis = diagnose(snapshot)
        (shut,) = [one for one in diagnosis.findings if one.id is FindingId.AUTH_FAILED]
        assert f'Add to the Role: {{apiGroups: [""], resources: ["pods/{right}"], verbs: ["create"]}}' in shut.summary
        assert "did not let us in: We may not create" in shut.summary
        assert not diagnosis.has(FindingId.MASTER_DOWN)
        assert not diagnosis.has(FindingId.REPLICA_DOWN)
        with pytest.raises((Unreachable, CommandRefused, AccessDenied), match="We may not create"):
            await hands.standing(node.address)


@pytest.mark.parametrize("shape", ["sentinel", "replication", "cluster"])
async def test_everything_can_be_seen_by_redis_cli_in_the_pods(shape):
    kind = Kind(shape)
    async with bitnami(build(), shape=shape, replicas=6 if shape == "cluster" else 2) as release:
        async with hands_on(release, kind) as hands:
            direct = await hands.observe()
        async with hands_on(release, kind, reach=Way.EXEC, timeout_ms=10_000) as hands:
            seen = await hands.observe()
            assert [(node.address, node.info and node.info.role) for node in seen.nodes] == [
                (node.address, node.info.role) for node in direct.nodes
            ], [node.unasked for node in seen.nodes]
            assert [node.config for node in seen.nodes] == [node.config for node in direct.nodes]
            assert [node.gaps for node in seen.nodes] == [()] * len(seen.nodes)
            assert [view.master and view.master.address for view in seen.sentinels] == [
                view.master.address for view in direct.sentinels
            ]
            assert diagnose(seen).verdict.id is diagnose(direct).verdict.id
            refusal = failover.plan(seen, {})
            assert isinstance(refusal, Refusal)
            assert "reached by exec, which is for looking only: set reach: port-forward" in refusal.reason
            with pytest.raises(CommandRefused, match=r"through redis-cli in the pod .* Tandem only looks"):
                await hands.promote(seen.nodes[0].address)


async def test_an_image_without_redis_cli_and_a_wrong_password():
    for changes, reason, words in (
        (
            {"with_cli": False},
            Reason.REFUSED_COMMAND,
            "The image of container redis of pod redis-master-0 has no redis-cli",
        ),
        ({}, Reason.WRONGPASS, "WRONGPASS"),
    ):
        async with (
            bitnami(build(), shape="replication", replicas=0, **changes) as release,
            hands_on(release, Kind.REPLICATION, reach=Way.EXEC, password='wrong "one"') as hands,
        ):
            (node,) = (await hands.observe()).nodes
            assert node.unasked.reason is reason
            assert node.unasked.why.startswith(words)


async def test_neither_the_password_nor_a_command_is_an_argument(monkeypatch):
    """Every process of the node could read it."""
    async with bitnami(build(), shape="replication", replicas=0) as release:
        commands = []
        serve = release.cluster.api._streams.serve

        async def served(request, asked):
            commands.append(request.query.getall("command", []))
            return await serve(request, asked)

        monkeypatch.setattr(release.cluster.api._streams, "serve", served)
        async with hands_on(release, Kind.REPLICATION, reach=Way.EXEC) as hands:
            assert (await hands.observe()).nodes[0].info is not None
        port = release.address("redis-master-0").rpartition(":")[2]
        assert commands
        assert {tuple(words) for words in commands} == {("redis-cli", "--no-raw", "-p", port)}


ROLE = """\
1) "master"
2) (integer) 5
3) 1) 1) "10.0.0.1"
      2) "6379"
      3) "5"
   2) 1) "10.0.0.2"
      2) "6379"
      3) "4"
"""
PRINTED = [
    (("PING",), "PONG\n", b"+PONG", b"PONG"),
    (("DBSIZE",), "(integer) 12\n", b":12\r\n", 12),
    (("GET",), '"a \\"b\\" \\\\ \\n \\xff"\n', None, b'a "b" \\ \n \xff'),
    (("GET",), "(nil)\n", b"$-1\r\n", None),
    (("CONFIG", "GET"), "(empty array)\n", b"*0\r\n", []),
    (("CONFIG", "GET"), '1) "a"\n2) ""\n(0.61s)\n', None, [b"a", b""]),
    (
        ("ROLE",),
        ROLE,
        None,
        [b"master", 5, [[b"10.0.0.1", b"6379", b"5"], [b"10.0.0.2", b"6379", b"4"]]],
    ),
    (("X",), "".join(f'{number:2d}) "{number}"\n' for number in range(1, 12)), None, [b"%d" % n for n in range(1, 12)]),
    (("INFO",), "# Server\r\nredis_version:7.0\r\n\n", None, b"# Server\r\nredis_version:7.0\r\n"),
]


@pytest.mark.parametrize(("command", "printed", "protocol", "answer"), PRINTED)
def test_what_redis_cli_prints_is_read_with_its_types(command, printed, protocol, answer):
    assert read(command, printed) == answer
    if protocol and protocol[:1] != b"+":
        assert resp(answer) == protocol


def test_errors_and_what_is_no_answer():
    assert str(read(("INFO",), "(error) NOAUTH Authentication required.\n")) == "NOAUTH Authentication required."
    assert resp(CommandError("NOAUTH no\nline")) == b"-NOAUTH no line\r\n"
    for text in ("", '"a"\n"b"\n'):
        with pytest.raises(ValueError, match=r"no answer|more than one"):
            read(("GET",), text)
    assert split('OK\n"t0"\n(nil)\n"t0"\nrest', "t0") == ["OK\n", "(nil)\n"]
    assert line_of([b"AUTH", b'a"b\\c\n']) == '"AUTH" "a\\x22b\\x5cc\\x0a"'
