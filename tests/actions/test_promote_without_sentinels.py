"""Promotion by hand where the Sentinels are gone, on real servers: what proves it, who is told, and who comes back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError  # noqa: A004 -- The server's, not the operating system's.

from actions import promote, repair
from actions.adapters.redis import RedisHands
from actions.kit.by_hand import StillLost
from actions.kit.diagnosis import diagnose
from actions.kit.errors import TooLate
from actions.kit.findings import FindingId
from actions.kit.holding import HELD
from actions.kit.loop import Ending, Outcome, carry_out
from actions.kit.opening import OpenForWrites
from actions.kit.plan import NAMING, Plan, Refusal, Risk
from actions.kit.promotion import Promote
from actions.kit.rejoin import Rejoin
from actions.kit.rescue_place import Folder
from actions.kit.sentinel_naming import TellSentinels
from actions.kit.sentinels_gone import still_in_charge
from actions.kit.settlement import CutOff, settle
from actions.kit.snapshot import Reason
from actions.kit.topology import Address
from sandbox.redis import Build, Server, Topology, WriteLoad, build, builds, sentinel
from sandbox.redis.readiness import named_master
from tests.actions.test_promote import HUNG, NAME, brief, plan_for, refusal, seen
from tests.builders import healthy, node_at, with_link, with_opinion, with_sentinel, without_node, without_sentinel
from tests.failover import (
    Journal,
    caught_up,
    never_two_writable_masters,
    no_two_writable_masters,
    patient,
    setting,
    soon_given_up,
)

pytestmark = pytest.mark.servers

SINCE_7 = [one for one in builds() if one.version >= (7,)]


async def has(sentinel: Server, topology: Topology) -> dict[str, str]:
    """What a Sentinel goes by for the master."""
    answer = await sentinel.command("SENTINEL", "MASTER", topology.master_name)
    return dict(zip(answer[::2], answer[1::2], strict=True))


async def names(topology: Topology, sentinels: Sequence[Server], node: Server) -> None:
    """Wait until all of these name this node."""
    async with asyncio.timeout(90):
        while {await named_master(topology, one) for one in sentinels} != {node.address}:
            await asyncio.sleep(0.1)


async def follows(node: Server, master: Server) -> None:
    """Wait until it does; whoever makes it a replica sends its clients away, this one too."""
    role: list[object] = []
    async with asyncio.timeout(90):
        while role[:3] != ["slave", *_parts(master)]:
            await asyncio.sleep(0.1)
            with contextlib.suppress(ConnectionError):
                role = await node.command("ROLE")


def _parts(server: Server) -> tuple[str, int]:
    host, _, port = server.address.rpartition(":")
    return host, int(port)


@asynccontextmanager
async def without(
    left: int, which: Build | str = NAME, **settings: object
) -> AsyncIterator[tuple[Topology, Plan, RedisHands]]:
    """A dead master and so many Sentinels that are left; the plan to promote the second node."""
    chosen = build(which) if isinstance(which, str) else which
    async with sentinel(chosen, **{"down_after_ms": 1000, **settings}) as topology:
        await topology.nodes[0].command("SET", "before", "1")
        await caught_up(*topology.nodes)
        for server in topology.sentinels[left:]:
            await server.kill()
        await topology.nodes[0].kill()
        plan = await plan_for(topology, topology.nodes[1])
        async with seen(topology) as hands:
            yield topology, plan, hands


@pytest.mark.parametrize("which", SINCE_7, ids=lambda one: one.name)
async def test_all_are_gone_and_each_is_told_when_it_comes_back(which: Build) -> None:
    async with without(0, which, password="secret", sentinel_password="other") as (topology, plan, hands):
        old, new, third = topology.nodes
        assert plan.risk is Risk.DESTRUCTIVE
        assert "Nothing listens any more where Sentinel" in plan.because
        assert "none is subscribed on any of the 2 nodes that answer" in plan.because
        notes = " ".join(plan.cost.notes)
        lines = [
            f"sentinel monitor {topology.master_name} {' '.join(new.address.rsplit(':', 1))}",
            f"sentinel known-replica {topology.master_name} {' '.join(old.address.rsplit(':', 1))}",
        ]
        assert f'swap the two in its file: "{lines[0]} QUORUM" and "{lines[1]}"' in notes
        verdict = diagnose(await hands.observe()).verdict
        assert verdict.suggests[0].startswith("promote orders --to ")
        journal = Journal()
        assert await carry_out(patient(brief(plan.steps)), hands, journal) == Ending(Outcome.DONE), journal.lines
        assert await new.command("SET", "after", "1")
        owed = {(str(one.node), one.name, one.new, one.old) for one in journal.owed}
        assert owed == {(one, NAMING, old.address, new.address) for one in topology.sentinel_addresses}

        first, *others = topology.sentinels
        await first.start()
        before = await has(first, topology)
        found = next(
            one for one in diagnose(await hands.observe()).findings if one.id is FindingId.SENTINEL_DISAGREEMENT
        )
        assert f"{new.address} is the only master, but Sentinel {first.address} names another" in found.summary
        await hands.change_settings(Address.parse(first.address), {NAMING: new.address}, rewrite=False)
        await names(topology, [first], new)
        for server in (old, *others):  # One that was told sees to the old master, and tells the rest.
            await server.start()
        await names(topology, topology.sentinels, new)
        await follows(old, new)
        await topology.ready()
        kept = ("quorum", "down-after-milliseconds", "failover-timeout", "parallel-syncs", "num-other-sentinels")
        assert [(await has(first, topology))[name] for name in kept] == [before[name] for name in kept]
        assert await new.command("GET", "after") == "1"
        assert (await third.command("ROLE"))[0] == "slave"


async def test_one_that_nobody_tells_reverts_it_and_so_do_two() -> None:
    """What the telling is for."""
    async with without(0) as (topology, plan, hands):
        old, new, _ = topology.nodes
        steps = [step for step in patient(brief(plan.steps)) if not isinstance(step, TellSentinels | Rejoin)]
        assert (await carry_out(steps, hands, Journal())).outcome is Outcome.DONE
        await old.start()
        await topology.sentinels[0].start()
        await follows(new, old)


async def test_one_whose_file_was_changed_as_the_card_says_reverts_nothing_and_sees_to_the_old_master() -> None:
    async with without(0) as (topology, plan, hands):
        old, new, _ = topology.nodes
        assert (await carry_out(patient(brief(plan.steps)), hands, Journal())).outcome is Outcome.DONE
        server = topology.sentinels[0]
        text = server.config_path.read_text()
        (quorum,) = [line.split()[-1] for line in text.splitlines() if line.startswith("sentinel monitor")]
        for line in ("monitor", "known-replica"):
            of, to = (old, new) if line == "monitor" else (new, old)
            head = f"sentinel {line} {topology.master_name} "
            assert head + " ".join(of.address.rsplit(":", 1)) in text
            text = text.replace(head + " ".join(of.address.rsplit(":", 1)), head + " ".join(to.address.rsplit(":", 1)))
        assert f"{' '.join(new.address.rsplit(':', 1))} {quorum}" in text
        server.config_path.write_text(text)
        await server.start()
        await old.start()
        await follows(old, new)
        assert await named_master(topology, server) == new.address
        assert (await new.command("ROLE"))[0] == "master"


@pytest.mark.parametrize("which", SINCE_7, ids=lambda one: one.name)
async def test_what_is_left_of_them_is_told_before_the_first_write_and_reverts_nothing(which: Build) -> None:
    async with without(1, which) as (topology, plan, hands):
        old, new, _ = topology.nodes
        left = topology.sentinels[0]
        assert f"Sentinel {left.address} is left and cannot fail over: NOQUORUM" in plan.because
        kinds = [type(step) for step in plan.steps]
        assert kinds.index(Promote) < kinds.index(TellSentinels) < kinds.index(OpenForWrites)
        watching = asyncio.create_task(no_two_writable_masters(topology, 2))
        journal = Journal()
        assert await carry_out(patient(brief(plan.steps)), hands, journal) == Ending(Outcome.DONE), journal.lines
        await watching
        assert await named_master(topology, left) == new.address
        assert {str(one.node) for one in journal.owed} == {one.address for one in topology.sentinels[1:]}
        async with WriteLoad(topology, rate=400, timeout=0.5) as load:
            await old.start()
            await follows(old, new)  # By the Sentinel that is left: it would have been the other way round.
            acked = load.acked
            async with asyncio.timeout(90):
                while load.acked < acked + 50:
                    await asyncio.sleep(0.05)
            await load.stop()
            assert await load.lost(new) == 0


async def test_what_only_an_old_master_has_is_held_back_from_a_sentinel_and_repaired(tmp_path: Path) -> None:
    """It is back before the new one is opened, with writes; the Sentinel that is left makes it a replica after 10 s."""
    async with without(1) as (topology, plan, _):
        old, new, _ = topology.nodes

        async def comes_back() -> None:
            await old.start()
            await old.command("SET", "only:here", "1")

        async with seen(topology, rescue=Folder(str(tmp_path))) as hands:
            journal = Journal(OpenForWrites, comes_back)
            async with never_two_writable_masters(topology):
                ending = await carry_out(soon_given_up(brief(plan.steps)), hands, journal)
            assert ending.outcome is Outcome.INCOMPLETE, journal.lines
            assert f"{old.address} came back as a master. It refuses writes now" in ending.failures[0]
            assert await new.command("SET", "after", "1")
            await follows(old, new)
            assert await old.command("GET", "only:here") == "1"
            owed = {(str(one.node), one.name, one.new, one.old) for one in journal.owed if not one.is_naming}
            assert owed == {
                (old.address, "min-replicas-to-write", "1000000", "0"),
                (old.address, "masterauth", HELD, ""),
            }
            again = [step for step in plan.steps if isinstance(step, Rejoin)][1]
            with pytest.raises(TooLate, match="keeps its data, which the new master may lack: repair --keep"):
                await again.perform(hands, journal)
            mending = repair.plan(await hands.observe(), {"keep": new.address})
            assert isinstance(mending, Plan), mending
            ending = await carry_out(patient(mending.steps), hands, journal)
            assert ending.outcome is Outcome.DONE, (ending, journal.lines)
            assert [one.name for one in journal.owed if not one.is_naming] == ["min-replicas-to-write"]
            assert "nothing was merged; all 1 keys" in journal.lines[-1][-1]


async def test_they_are_in_charge_while_they_work_or_may() -> None:
    async with sentinel(build(NAME), down_after_ms=1000, acl=True) as topology:
        first, second, third = topology.sentinels
        await topology.nodes[0].kill()
        assert "A majority of them is there: it fails over by itself, or by: failover orders." in await refusal(
            topology, topology.nodes[1]
        )
        await asyncio.gather(*(server.hang() for server in (second, third)))
        text = await until_said(topology, "the others work, or hang")
        assert "3 Sentinels are subscribed on" in text
        assert "and 1 answer us" in text
        for server in (second, third):
            await server.kill()
        await until_planned(topology)
        for node in topology.nodes[1:]:
            await node.command("ACL", "SETUSER", "tandem", "-pubsub|numsub")
        assert "cannot be asked (NOPERM): allow +pubsub|numsub in the ACL." in await refusal(
            topology, topology.nodes[1]
        )
        for node in topology.nodes[1:]:
            await node.command("ACL", "SETUSER", "tandem", "+pubsub|numsub")
        await first.command("ACL", "SETUSER", "tandem", ">other", "resetpass")
        text = await refusal(topology, topology.nodes[1])
        assert f"Sentinel {first.address} is there, and does not say what it does (WRONGPASS" in text


async def until_said(topology: Topology, words: str) -> str:
    deadline = time.monotonic() + 90
    while words not in (text := await refusal(topology, topology.nodes[1], **HUNG)):
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.1)
    return text


async def until_planned(topology: Topology) -> Plan:
    return await plan_for(topology, topology.nodes[1])


@contextlib.contextmanager
def black_hole(address: Address) -> Iterator[None]:
    """Whoever connects there gets no answer."""
    with socket.socket() as quiet:
        quiet.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        quiet.bind(address)
        quiet.listen()
        yield


async def test_silence_proves_nothing_so_a_person_has_to_vouch_for_it() -> None:
    """As when machines are lost, or when the network is cut between us and a majority that is well."""
    async with without(0) as (topology, _, _), seen(topology, **HUNG) as hands:
        with contextlib.ExitStack() as stack:
            for server in topology.sentinels[:2]:
                stack.enter_context(black_hole(Address.parse(server.address)))
            plan = promote.plan(await hands.observe(), {"to": topology.nodes[1].address})
        assert isinstance(plan, Plan)
        assert plan.risk is Risk.IRREVERSIBLE
        assert f"Sentinel {topology.sentinels[0].address} does not answer (timed out)." in plan.because
        said = " ".join(plan.cost.notes)
        assert (
            f"Nothing proves that Sentinel {topology.sentinels[0].address}, {topology.sentinels[1].address} is gone"
            in said
        )
        assert plan.fingerprint != (await plan_for(topology, topology.nodes[2])).fingerprint


async def test_they_come_back_before_the_promotion() -> None:
    async with without(1, down_after_ms=4000) as (topology, plan, hands):

        async def come_back() -> None:
            await asyncio.gather(*(server.start() for server in topology.sentinels[1:]))

        ending = await carry_out(brief(plan.steps), hands, Journal(StillLost, come_back))
        assert ending.outcome is Outcome.UNDONE, ending
        assert await setting(topology.nodes[1], "min-replicas-to-write") == "0"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_cut_off_while_it_tells_goes_on(when: str) -> None:
    async with without(1) as (topology, plan, hands):
        steps, journal = patient(brief(plan.steps)), Journal()
        index = next(number for number, step in enumerate(steps) if isinstance(step, TellSentinels))
        for number, step in enumerate(steps[: index + 1]):
            await journal.intends(number, step)
            if number < index or when == "after":
                await step.perform(hands, journal)
        with pytest.raises(Exception, match="NOREPLICAS"):
            await topology.nodes[1].command("SET", "before", "it is told")
        ending = await settle(steps, CutOff(index), hands, journal)
        assert isinstance(ending, Ending)
        assert ending.outcome is Outcome.DONE, (ending, journal.lines)
        assert await named_master(topology, topology.sentinels[0]) == topology.nodes[1].address
        assert {str(one.node) for one in journal.owed} == {one.address for one in topology.sentinels[1:]}
        assert await topology.nodes[1].command("SET", "after", "1")


async def test_a_sentinel_that_may_not_be_told_is_said_and_stays_owed() -> None:
    async with without(1, acl=True) as (topology, plan, hands):
        left = topology.sentinels[0]
        await left.command("ACL", "SETUSER", "tandem", "-publish")
        journal = Journal()
        ending = await carry_out(soon_given_up(brief(plan.steps)), hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE
        assert f"Have Sentinel {left.address} name {topology.nodes[1].address}" in ending.failures[0]
        assert "PUBLISH" in ending.failures[0].upper()
        assert f"was not opened: Sentinel {left.address} names {topology.nodes[0].address}" in ending.failures[1]
        new = topology.nodes[1]
        assert {left.address, new.address} < {str(one.node) for one in journal.owed}
        with pytest.raises(Exception, match="NOREPLICAS"):  # That Sentinel would take it back to the old master.
            await new.command("SET", "before", "it is told")
        await left.command("ACL", "SETUSER", "tandem", "+publish")
        for step in (one for one in plan.steps if isinstance(one, TellSentinels | OpenForWrites)):
            await step.perform(hands, journal)
        assert await new.command("SET", "after", "1")


async def test_a_sentinel_is_not_told_of_a_replica_nor_against_a_newer_failover() -> None:
    async with sentinel(build(NAME)) as topology, seen(topology) as hands:
        asked = Address.parse(topology.sentinels[0].address)
        with pytest.raises(Exception, match=r"was not told of .*: it is a replica"):
            await hands.change_settings(asked, {NAMING: topology.nodes[1].address}, rewrite=False)
        assert await named_master(topology, topology.sentinels[0]) == topology.nodes[0].address


def gone(snapshot, reason=Reason.REFUSED, left=0):
    for number in range(left + 1, 4):
        snapshot = without_sentinel(snapshot, number, reason)
    watched = tuple(replace(node, watching_sentinels=left if node.info else None) for node in snapshot.nodes)
    for number in range(1, left + 1):
        snapshot = with_sentinel(snapshot, number, quorum_ok=False, quorum_text="NOQUORUM 1 usable")
        down = {"flags": frozenset({"master", "s_down"})}
        snapshot = with_opinion(snapshot, number, **down)
    return replace(snapshot, nodes=watched)


def dead_master():
    snapshot = without_node(healthy(), 1, Reason.REFUSED)
    for number in (2, 3):
        snapshot = with_link(snapshot, number, up=False)
    return snapshot


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: with_sentinel(one, 1, quorum_ok=True, quorum_text="OK 1 usable"), "answers: OK 1 usable."),
        (
            lambda one: with_sentinel(one, 1, quorum_ok=None, quorum_text=""),
            "answers: whether it has a quorum cannot be asked",
        ),
        (
            lambda one: with_opinion(one, 1, flags=frozenset({"master", "failover_in_progress"})),
            "has a failover in progress. Wait until it has ended.",
        ),
        (lambda one: with_sentinel(one, 1, tilt=True), "may be alive: sentinel 10.1.0.1:26379 says: is in TILT."),
        (lambda one: without_sentinel(one, 2, Reason.UNKNOWN_MASTER), "10.1.0.2:26379 is there, and does not say what"),
    ],
)
def test_what_is_left_may_still_be_in_charge(change, said) -> None:
    snapshot = gone(dead_master(), left=1)
    assert isinstance(promote.plan(snapshot, {"to": str(node_at(2))}), Plan), list(still_in_charge(snapshot))
    answer = promote.plan(change(snapshot), {"to": str(node_at(2))})
    assert isinstance(answer, Refusal)
    assert said in answer.reason


def test_a_master_that_answers_is_not_lost_though_the_sentinels_are() -> None:
    said = promote.plan(gone(healthy()), {"to": str(node_at(2))})
    assert isinstance(said, Refusal)
    assert said.reason.endswith("answers: nothing is lost yet. To move its role: bring its Sentinels back.")


def test_without_sentinels_nobody_says_which_nodes_there_are() -> None:
    said = promote.plan(replace(gone(dead_master()), nodes=()), {"to": str(node_at(2))})
    assert isinstance(said, Refusal)
    assert said.reason == "No node of orders is known: its Sentinels are gone, and targets.yaml lists none. List them."
