"""`approve`, `deny`, `withdraw` in a terminal: what an approver is shown and asked, and who stops following when."""

import asyncio
import contextlib
import os
import pty
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from actions.kit.errors import Stopped
from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.plan import Cost, Plan, Risk
from actions.kit.steps import Demote, Prove
from actions.kit.topology import Address
from bot.ledger import Ask, Person, RequestState
from tests.bot.cli.conftest import TANDEM, audited, left_by_a_bot

DEAD = {"kind": "replication", "nodes": ["127.0.0.1:1"]}
OLD, NEW = Address("10.0.0.1", 6379), Address("10.0.0.2", 6379)
PLAN = Plan(
    *("orders", "failover", Risk.DESTRUCTIVE, "Sentinel is in charge.", Cost()),
    steps=(Demote(OLD, NEW), Prove(NEW, (NEW,), "t")),
    seen=("master A",),
)
ONCALL = Person("U0ONCALL", "oncall")
"""In Slack."""


async def filed(ledger, plan=PLAN):
    """Asked for in the channel."""
    return await ledger.file(Ask(plan, {}, ONCALL, "C0INCIDENT", "the disk is slow", 1, timedelta(minutes=15)))


@asynccontextmanager
async def typing(terminal, line, answer=""):
    """A command in a real terminal; what is typed into it, and what it shows."""
    leader, follower = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(*TANDEM, *line.split()),
        env=terminal.environment | {"TERM": "xterm", "COLUMNS": "120"},
        cwd=terminal.directory,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    os.write(leader, answer.encode())
    shown = Shown(leader)
    try:
        yield process, shown
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await shown
        os.close(leader)


class Shown:
    """What a terminal shows: all of it once that is awaited, `so_far` before."""

    def __init__(self, leader):
        self._read = bytearray()
        self._reading = asyncio.create_task(asyncio.to_thread(self._reads, leader))

    @property
    def so_far(self):
        return self._read.decode(errors="replace")

    def __await__(self):
        return self._reading.__await__()

    def _reads(self, leader):
        with contextlib.suppress(OSError):  # The other side has closed it.
            while some := os.read(leader, 65536):
                self._read += some
        return self._read.decode()


async def test_an_approver_sees_the_whole_plan_and_is_asked(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, _, lead, _guest):
        request = await filed(ledger)
        async with typing(lead, f"approve {request.id.lower()}", "n\n") as (process, shown):
            assert await process.wait() == 4
            text = await shown
        for words in ("oncall (U0ONCALL)", "the disk is slow", "REPLICAOF 10.0.0.2 6379", PLAN.fingerprint, "[y/N]"):
            assert words in text, text
        assert (await ledger.request(request.id)).decisions == ()

        async with typing(lead, f"approve {request.id}", "y\n") as (process, shown):
            assert await process.wait() == 3, "the target cannot be seen: the approval is void"
            text = await shown
        assert "approved by lead (U0LEAD) in a terminal" in text
        assert (await ledger.request(request.id)).state is RequestState.VOID


async def test_who_may_not_decide_is_told_why_and_is_not_asked(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, oncall, lead, _guest):
        request = await filed(ledger)
        async with typing(oncall, f"approve {request.id}") as (process, shown):
            assert await process.wait() == 3
            text = await shown
        assert "[y/N]" not in text
        assert "a second person has to decide" in text.replace("\r\n", "")
        assert (await lead.says(f"withdraw {request.id}")).code == 3
        assert (await lead.says(f"deny {request.id}")).code == 2
        denied = await lead.says(f"deny {request.id} --reason later --json")
        assert (denied.code, denied.json["state"]) == (0, "denied")
        late = await oncall.says(f"withdraw {request.id}")
        assert (late.code, late.out) == (3, "")
        assert "was already denied by lead" in late.err
        tried = [(kind, who, details["counts"]) for kind, who, details in audited(terminal) if "counts" in details]
        assert ("request.approve", "U0ONCALL", False) in tried
        assert ("request.deny", "U0LEAD", True) in tried


async def test_where_nobody_can_be_asked_what_is_wrong_with_a_request_is_said_before_that(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, oncall, lead, _guest):
        request = await filed(ledger)
        for word in ("approve", "resume"):
            unknown = await lead.says(f"{word} R-99999")
            assert (unknown.code, unknown.err) == (
                2,
                "There is no request 'R-99999'; see what there is with /redis runs, or tandem runs.\n",
            )
        own = await oncall.says(f"approve {request.id}")
        assert (own.code, "a second person has to decide" in own.err, "--yes" in own.err) == (3, True, False)
        unasked = await lead.says(f"approve {request.id} --json")
        assert (unasked.code, "add --yes" in unasked.err) == (2, True)
        for word in ("deny", "sign"):
            unknown = await lead.says(f"{word} R-99999")
            assert (unknown.code, unknown.err.startswith("There is no request 'R-99999'")) == (2, True), unknown.err
        unreviewed = await lead.says(f"sign {request.id}")
        assert (unreviewed.code, "has no review" in unreviewed.err, "--note" in unreviewed.err) == (3, True, False)
        no_reason = await lead.says(f"deny {request.id}")
        assert (no_reason.code, f'--reason "…" why {request.id} shall not be' in no_reason.err) == (2, True)
        own = await oncall.says(f"deny {request.id}")
        assert (own.code, "You asked for" in own.err, "--reason" in own.err) == (3, True, False), own.err
        early = await lead.says(f"rollback {request.id}")
        assert (early.code, "--yes" in early.err) == (3, False), early.err
        assert (await ledger.request(request.id)).decisions == ()
        await ledger.decide(request.id, Person("U0LEAD", "lead"), "deny", "later")
        late = await lead.says(f"approve {request.id}")
        assert (late.code, "was already denied by lead" in late.err, "--yes" in late.err) == (3, True, False)
        late = await lead.says(f"deny {request.id}")
        assert (late.code, "was already denied by lead" in late.err, "--reason" in late.err) == (3, True, False)


async def test_ctrl_c_stops_following_what_another_process_carries_out(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, _, lead, _guest):
        request = await filed(ledger)
        async with typing(lead, f"approve {request.id} --yes") as (process, shown):
            async with asyncio.timeout(60):
                while (await ledger.request(request.id)).state is not RequestState.APPROVED:
                    await asyncio.sleep(0.02)
                lease = await ledger.begin(request.id)  # As a bot would.
                journal = ledger.journal(lease)
                await journal.intends(0, PLAN.steps[0])
                while "begins as soon as a bot takes it" not in shown.so_far:
                    await asyncio.sleep(0.02)
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(60):
                assert await process.wait() == 5
            assert f"{request.id} goes on without this terminal" in await shown
        await journal.ended(0, StepState.DONE, "it follows")
        assert (await ledger.end(lease, Ending(Outcome.DONE))).state is RequestState.ENDED


async def test_what_ran_without_approval_is_signed_by_a_second_person(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, oncall, lead, _guest):
        refused = await oncall.says("request failover --break-glass")
        assert (refused.code, refused.out) == (2, "")
        assert "Breaking the glass takes a reason" in refused.err
        ask = Ask(PLAN, {}, ONCALL, "C0INCIDENT", "down", 0, timedelta(minutes=2), break_glass=True)
        request = await ledger.file(ask)
        await ledger.end(await ledger.begin(request.id), Ending(Outcome.DONE))
        own = await oncall.says(f"sign {request.id} --note fine")
        assert (own.code, own.out) == (3, "")
        assert "a second person has to sign" in own.err
        assert (await lead.says(f"sign {request.id}")).code == 2
        signed = await lead.says(f"sign {request.id} --note dying --json")
        assert (signed.code, signed.json["review"]["note"]) == (0, "dying")
        assert ("review.sign", "U0LEAD") in {row[:2] for row in audited(terminal) if row[2].get("counts")}


async def test_what_cannot_be_undone_is_approved_by_the_name_of_its_target(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, _, lead, _guest):
        request = await filed(ledger, replace(PLAN, risk=Risk.IRREVERSIBLE))
        async with typing(lead, f"approve {request.id}", "order\n") as (process, shown):
            assert await process.wait() == 3
            assert f"To approve {request.id} type the name of its target:" in await shown
        assert (await lead.says(f"approve {request.id} --yes")).code == 3
        assert (await ledger.request(request.id)).decisions == ()
        async with typing(lead, f"approve {request.id}", "orders\n") as (process, shown):
            assert await process.wait() == 3, "the target cannot be seen: the approval is void"
        assert (await ledger.request(request.id)).state is RequestState.VOID


async def test_a_run_is_cancelled_from_a_terminal_whoever_carries_it_out(terminal):
    async with left_by_a_bot(terminal, **DEAD) as (ledger, oncall, lead, _guest):
        request = await filed(ledger)
        early = await oncall.says(f"cancel {request.id}")
        assert (early.code, early.out) == (3, "")
        await ledger.decide(request.id, Person("U0LEAD", "lead"), "approve")
        lease = await ledger.begin(request.id)  # As a bot would.
        late = await lead.says(f"approve {request.id} --yes")
        assert late.err.endswith(f"It is running. See it through with: tandem follow {request.id}\n")
        cancelling = asyncio.create_task(oncall.types(f"cancel {request.id} --json"))
        async with asyncio.timeout(60):
            while (run := (await ledger.request(request.id)).run) is None or run.cancelled is None:
                await asyncio.sleep(0.02)
        with pytest.raises(Stopped, match="oncall cancelled it"):
            await ledger.journal(lease).intends(0, PLAN.steps[0])
        await ledger.end(lease, Ending(Outcome.UNDONE, ("oncall cancelled it.", "And one more thing.")))
        ended = await cancelling
        assert (ended.code, ended.json["run"]["state"]) == (1, "undone"), ended.err
        assert "It stops before its next step" in ended.err
        shown = await oncall.says(f"show {request.id}")
        assert "cancelled by oncall (U0ONCALL)" in shown.out
        assert "oncall cancelled it." not in shown.out
        assert "- And one more thing." in shown.out
