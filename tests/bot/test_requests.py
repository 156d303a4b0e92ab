"""The life of a request on real servers: asked for, decided, carried out, and recovered by looking."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from actions.kit.errors import UsageError
from actions.kit.loop import Ending, Outcome, StepState
from actions.kit.plan import Plan, Refusal, SettingChange
from actions.kit.settlement import Answer
from actions.kit.topology import Address, Limits
from bot.ledger import UNKNOWN_STEP, Ask, LedgerError, RequestState, RunState
from bot.ledger.tables import runs
from bot.requests.recovery import not_payable, not_quiet
from sandbox.redis import builds, replication
from tests import clusters
from tests.bot.desks import FENCE, GUEST, LEAD, ONCALL, SLOWLY, office
from tests.bot.ledger.given import Set, a_plan, approved
from tests.builders import healthy, node_at
from tests.failover import in_file, patient_target_of, setting, target_of

pytestmark = pytest.mark.servers

server = builds()[0]


async def fence_of(node):
    return await setting(node, FENCE)


async def test_a_request_is_approved_by_a_second_person_and_carried_out(tmp_path, written):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        assert request.state is RequestState.WAITING
        assert (await here.shown("card"))["active"] == ["U0LEAD"]
        assert await fence_of(topology.nodes[0]) == "0"

        decided = await here.desk.approve(request.id, LEAD)
        assert decided.ok
        run = (await here.ended(request.id)).run
        assert (run.state, run.failures) == (RunState.DONE, ())
        assert await fence_of(topology.nodes[0]) == "500"
        assert await here.kinds() == ["card", "approved", "run", "transcript"]
        kinds = [row.kind for row in await here.ledger.audit_trail()]
        assert kinds == ["request.filed", "request.approve", "run.began", "step.began", "step.ended", "run.ended"]
        assert (await here.ledger.verify_audit()).problem is None
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    steps = [line for line in lines if line["message"] in {"step began", "step ended"}]
    assert [(line["request"], line["step"]) for line in steps] == [(request.id, 0), (request.id, 0)]


async def test_a_preview_changes_and_files_nothing(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        assert isinstance(await here.desk.preview("tune", "orders", {"to": "500"}), Plan)
        assert await here.desk.runs() == ()
        assert await here.ledger.audit_trail() == ()


async def test_of_many_clicks_one_run_comes(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        answers = await asyncio.gather(*(here.desk.approve(request.id, LEAD) for _ in range(20)))
        assert sum(answer.ok for answer in answers) == 1
        assert all("already approved by lead at" in answer.why for answer in answers if not answer.ok)
        await here.ended(request.id)
        kinds = [row.kind for row in await here.ledger.audit_trail()]
        assert kinds.count("run.began") == kinds.count("step.began") == 1


async def test_who_is_not_entitled_is_told_why_and_nothing_runs(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        own = await here.desk.approve(request.id, ONCALL)
        guest = await here.desk.approve(request.id, GUEST)
        here.staff.reachable = False
        unknown = await here.desk.approve(request.id, LEAD)
        assert "a second person" in own.why
        assert "is a guest" in guest.why
        assert "Slack does not answer" in unknown.why
        assert not any(decided.ok for decided in (own, guest, unknown))
        assert (await here.desk.show(request.id)).state is RequestState.WAITING
        attempts = [row for row in await here.ledger.audit_trail() if row.kind == "request.approve"]
        assert [json.loads(row.details)["counts"] for row in attempts] == [False, False, False]


async def test_a_policy_that_breaks_lets_nothing_through(tmp_path, monkeypatch):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        monkeypatch.setattr(here.staff, "members", None)
        with pytest.raises(TypeError):
            await here.desk.approve(request.id, LEAD)
        assert (await here.desk.show(request.id)).state is RequestState.WAITING


async def test_nothing_is_filed_that_nobody_could_approve(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        here.staff.members = ("U0ONCALL", "U0GUEST")
        refused = await here.desk.ask("tune", "orders", {"to": "500"}, ONCALL)
        assert isinstance(refused, Refusal)
        assert "Nobody can approve this." in refused.reason
        assert "is a guest" in refused.reason
        assert await here.desk.runs() == ()
        assert [row.kind for row in await here.ledger.audit_trail()] == ["request.refused"]
        assert await here.kinds() == []


async def test_a_denial_ends_it_and_its_reason_is_kept(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        denied = await here.desk.deny(request.id, LEAD, "not during the sale")
        assert denied.ok
        assert denied.request.state is RequestState.DENIED
        assert await here.kinds() == ["card", "denied"]
        late = await here.desk.approve(request.id, LEAD)
        assert "already denied by lead" in late.why
        assert (await here.desk.show(request.id)).denial.reason == "not during the sale"


async def test_words_that_are_wrong_are_named(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        for action, target, said in [
            ("tune", "ordres", "There is no target 'ordres'; there are: orders."),
            ("health", "orders", "health changes nothing"),
            ("tuna", "orders", "no action 'tuna'"),
        ]:
            with pytest.raises(UsageError, match=said):
                await here.desk.ask(action, target, {"to": "1"}, ONCALL)


async def test_an_approval_is_void_once_the_target_is_no_longer_what_was_seen(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        await topology.nodes[0].restart()
        await topology.ready()
        assert (await here.desk.approve(request.id, LEAD)).ok
        difference = (await here.shown("drifted"))["difference"]
        assert any(line.startswith("is now: ") for line in difference)
        voided = await here.ended(request.id)
        assert voided.state is RequestState.VOID
        assert difference[0] in voided.why
        assert await fence_of(topology.nodes[0]) == "0"
        assert isinstance(await here.desk.preview("tune", "orders", {"to": "500"}), Plan)


async def test_what_is_refused_at_the_start_of_the_run_is_void_with_the_reasons(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        await topology.nodes[1].command("REPLICAOF", "NO", "ONE")
        await here.desk.approve(request.id, LEAD)
        assert (await here.shown("drifted"))["difference"] == [
            "It can no longer be done:",
            "No single node says that it is the master.",
        ]
        assert await fence_of(topology.nodes[0]) == "0"


async def test_a_second_request_is_refused_while_the_first_one_runs(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        first, second = await here.asks(slow="yes"), await here.asks(to="400")
        await here.desk.approve(first.id, LEAD)
        await here.stands(first.id, 1, StepState.RUNNING)
        third = await here.desk.ask("tune", "orders", {"to": "300"}, ONCALL, "C0INCIDENT")
        assert isinstance(third, Refusal)
        assert f"busy: {first.id}" in third.reasons[0]
        assert (await here.desk.preview("tune", "orders", {"to": "300"})).reasons == third.reasons
        assert (await here.desk.approve(second.id, LEAD)).ok
        refused = await here.ended(second.id)
        assert refused.state is RequestState.REFUSED
        assert f"busy: {first.id}, asked for by oncall, has held it since" in refused.why
        assert "refused" in await here.kinds()
        await topology.nodes[0].command("CONFIG", "SET", SLOWLY, 7)
        assert (await here.ended(first.id)).run.state is RunState.DONE


async def test_a_target_rests_after_a_change(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        await here.desk.approve((request := await here.asks()).id, LEAD)
        await here.ended(request.id)
        refused = await here.desk.ask("tune", "orders", {"to": "400"}, ONCALL)
        assert isinstance(refused, Refusal)
        assert "less than 900 s ago; wait until" in refused.reason


async def test_stopping_lets_the_run_in_hand_come_to_its_end_and_begins_no_other(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        first, second = await here.asks(slow="yes"), await here.asks()
        await here.desk.approve(first.id, LEAD)
        await here.stands(first.id, 1, StepState.RUNNING)
        closing = asyncio.create_task(here.desk.aclose(60))
        await asyncio.sleep(0)
        assert (await here.desk.approve(second.id, LEAD)).ok
        await topology.nodes[0].command("CONFIG", "SET", SLOWLY, 7)
        await closing
        assert (await here.desk.show(first.id)).run.state is RunState.DONE
        assert (await here.desk.show(second.id)).state is RequestState.APPROVED


async def test_a_run_that_cannot_end_before_the_process_stops_is_put_back_at_once_and_ended_by_the_next_one(tmp_path):
    async with replication(server, replicas=1) as topology:
        target, master = patient_target_of(topology), topology.nodes[0]
        async with office(target, tmp_path, lease_s=1, patience_s=0) as here:
            request = await here.asks(slow="yes")
            await here.desk.approve(request.id, LEAD)
            await here.stands(request.id, 1, StepState.RUNNING)
            assert await fence_of(master) == "500"
        assert await fence_of(master) == "0"
        async with office(target, tmp_path) as here:
            await here.desk.recover(every_s=0.1)
            settled = await here.ended(request.id)
            assert settled.run.state is RunState.UNDONE
            assert await fence_of(master) == "0"
            assert await here.ledger.owed() == ()


VICTIM = """
import asyncio, sys
from pathlib import Path
from actions.kit.topology import Address, Kind, Target
from tests.bot.desks import LEAD, office

async def main():
    target = Target("orders", Kind.REPLICATION, nodes=tuple(map(Address.parse, sys.argv[2].split(","))))
    async with office(target, Path(sys.argv[1]), lease_s=1) as here:
        request = await here.asks(slow="yes")
        await here.desk.approve(request.id, LEAD)
        await here.stands(request.id, 1, "running")
        print(request.id, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def killed_in_the_second_step(folder, topology):
    """The id of a request whose process was killed while its fence was up."""
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, str(folder), ",".join(topology.node_addresses), stdout=asyncio.subprocess.PIPE
    )
    try:
        return (await victim.stdout.readline()).decode().strip()
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        await victim.wait()


async def test_what_a_killed_process_left_is_put_back_by_the_next_one(tmp_path):
    async with replication(server, replicas=1) as topology:
        request_id = await killed_in_the_second_step(tmp_path, topology)
        assert await fence_of(topology.nodes[0]) == "500"
        async with office(patient_target_of(topology), tmp_path) as here:
            assert [debt.change.old for debt in await here.ledger.owed()] == ["0"]
            await here.desk.recover(every_s=0.1)
            settled = await here.ended(request_id)
            assert settled.run.state is RunState.UNDONE
            assert await fence_of(topology.nodes[0]) == "0"
            assert await here.ledger.owed() == ()
            assert "run.claimed" in [row.kind for row in await here.ledger.audit_trail()]
            assert (await here.ledger.verify_audit()).problem is None


async def test_nothing_is_settled_while_no_node_answers(tmp_path):
    async with replication(server, replicas=1) as topology:
        request_id = await killed_in_the_second_step(tmp_path, topology)
        for node in topology.nodes:
            await node.hang()
        async with office(target_of(topology, timeout_ms=1_000), tmp_path) as here:
            while not await here.ledger.unsettled():
                await asyncio.sleep(0.05)
            await here.desk.recover(every_s=0.1)
            await asyncio.sleep(1)
            request = await here.ledger.request(request_id)
            assert request.run.state is RunState.UNSETTLED
            assert StepState.RUNNING in [step.state for step in request.run.steps]
            for node in topology.nodes:
                await node.resume()
            assert (await here.ended(request_id)).run.state is RunState.UNDONE


@pytest.mark.parametrize("how", ["hangs", "is restarted from a file that has it"])
async def test_what_is_owed_by_a_node_that_does_not_answer_is_paid_once_it_does(tmp_path, how):
    async with replication(server, replicas=1) as topology:
        master = topology.nodes[0]
        request_id = await killed_in_the_second_step(tmp_path, topology)
        if how == "hangs":
            await master.hang()
        else:
            await master.command("CONFIG", "REWRITE")
            await master.kill()
        async with office(target_of(topology, timeout_ms=1_000), tmp_path, looks_for_s=0) as here:
            await here.desk.recover(every_s=0.1)
            asked = await here.asked(request_id)
            assert [step.state for step in asked.steps] == [StepState.DONE, UNKNOWN_STEP]
            assert "Set min-replicas-to-write could not be undone" in " ".join(asked.question.seen)
            assert len(await here.ledger.owed()) == 1
            refused = await here.desk.preview("tune", "orders", {"to": "400"})
            assert isinstance(refused, Refusal)
            await (master.resume() if how == "hangs" else master.start())
            await here.paid()
            assert await fence_of(master) == "0"
            assert not any("500" in line for line in in_file(master, FENCE))
            assert "is back at 0" in (await here.shown("told"))["text"]
            assert (await here.asked(request_id)).question == asked.question, "it goes on asking all the same"
            assert (await here.desk.answer(request_id, ONCALL, Answer.ROLL_BACK)).ok
            assert (await here.ended(request_id)).run.state is RunState.UNDONE


async def owing(here, topology):
    """Settles the killed run while its master hangs, so that the fence stays owed; the id of the run, which asks."""
    await topology.nodes[0].hang()
    await here.desk.recover(every_s=0.1)
    (request,) = await here.desk.runs()
    await here.asked(request.id)
    return request.id


async def test_a_stale_master_keeps_its_fence_until_it_follows_and_then_its_file_is_put_right_too(tmp_path):
    async with replication(server, replicas=1) as topology:
        old, new = topology.nodes
        await killed_in_the_second_step(tmp_path, topology)
        await old.command("CONFIG", "REWRITE")
        assert "500" in in_file(old, FENCE)[0]
        async with office(target_of(topology, timeout_ms=1_000), tmp_path, looks_for_s=0) as here:
            await owing(here, topology)
            await new.command("REPLICAOF", "NO", "ONE")
            await old.resume()
            await asyncio.sleep(1)
            assert await fence_of(old) == "500"
            assert len(await here.ledger.owed()) == 1
            await old.command("REPLICAOF", *new.address.split(":"))
            await here.paid()
            assert await fence_of(old) == "0"
            assert not any("500" in line for line in in_file(old, FENCE))


async def test_what_somebody_else_has_changed_meanwhile_is_left_so(tmp_path):
    async with replication(server, replicas=1) as topology:
        master = topology.nodes[0]
        await killed_in_the_second_step(tmp_path, topology)
        async with office(target_of(topology, timeout_ms=1_000), tmp_path, looks_for_s=0) as here:
            await owing(here, topology)
            async with here.ledger._database.writing():  # Recovery waits for its turn until the value is another one.
                await master.resume()
                await master.command("CONFIG", "SET", FENCE, 2)
            await here.paid()
            assert await fence_of(master) == "2"
            assert "somebody has changed it since" in (await here.shown("told"))["text"]


async def test_what_still_is_owed_is_not_taken_for_the_old_value(tmp_path):
    async with replication(server, replicas=1) as topology:
        await killed_in_the_second_step(tmp_path, topology)
        target = target_of(topology, timeout_ms=1_000, limits=Limits(cooldown_s=0))
        async with office(target, tmp_path, looks_for_s=0) as here:
            request_id = await owing(here, topology)
            assert (await here.desk.answer(request_id, ONCALL, Answer.ABANDON)).ok
            assert (await here.ended(request_id)).run.state is RunState.INCOMPLETE
            await here.desk.aclose()
            await topology.nodes[0].resume()
        async with office(replace(target, timeout_ms=5_000), tmp_path) as here:
            refused = await here.desk.preview("tune", "orders", {"to": "400"})
            assert isinstance(refused, Refusal)
            assert "it is put back to 0 as soon as that can be done safely" in refused.reason
            await topology.nodes[0].command("CONFIG", "SET", FENCE, 0)
            planned = await here.desk.preview("tune", "orders", {"to": "400"})
            assert isinstance(planned, Plan), "it is back by itself, as after a restart"


async def test_what_a_newer_run_has_taken_over_is_left_alone_until_it_ends_and_is_paid_once(tmp_path):
    async with replication(server, replicas=1) as topology:
        fenced = Set(SettingChange(Address.parse(topology.nodes[0].address), FENCE, "500", "0"))
        target = patient_target_of(topology, limits=Limits(cooldown_s=0))
        async with office(target, tmp_path) as here:
            first = await here.ledger.begin((await approved(here.ledger, a_plan("orders", fenced))).id)
            await here.ledger.journal(first).intends(0, fenced)
            await here.ledger.end(first, Ending(Outcome.INCOMPLETE))
            (left,) = await here.ledger.owed()

            request = await here.asks(slow="yes")
            await here.desk.approve(request.id, LEAD)
            await here.stands(request.id, 1, "running")
            await here.desk.recover(every_s=0.1)
            hands = here.desk._connections.hands("orders")
            await here.desk._recovery._pay_all([left], hands)  # As by a pass that began before the run did.
            assert await fence_of(topology.nodes[0]) == "500"
            assert [debt.run_id for debt in await here.ledger.owed()] == [request.id]

            await topology.nodes[0].command("CONFIG", "SET", SLOWLY, 7)
            assert (await here.ended(request.id)).run.state is RunState.DONE
            await here.paid()
            assert await fence_of(topology.nodes[0]) == "0"
            paid = [row.what for row in await here.ledger.audit_trail() if row.kind == "debt.paid"]
            assert paid == [first.run_id, request.id]


async def asking(here, topology):
    """The id of a run that asks, since its master hung too long; the master answers again."""
    request_id = await owing(here, topology)
    await topology.nodes[0].resume()
    await here.paid()
    return request_id


async def test_to_resume_takes_a_second_person_and_begins_again_with_what_was_approved(tmp_path):
    async with replication(server, replicas=1) as topology:
        master = topology.nodes[0]
        await killed_in_the_second_step(tmp_path, topology)
        async with office(target_of(topology, timeout_ms=1_000), tmp_path, looks_for_s=0) as here:
            request_id = await asking(here, topology)
        async with office(patient_target_of(topology), tmp_path) as here:
            await here.desk.recover(every_s=0.1)
            own = await here.desk.answer(request_id, ONCALL, Answer.RESUME)
            assert "to resume it a second person has to say so" in own.why
            assert "is a guest" in (await here.desk.answer(request_id, GUEST, Answer.ABANDON)).why
            assert (await here.asked(request_id)).question

            assert (await here.desk.answer(request_id, LEAD, Answer.RESUME)).ok
            await here.stands(request_id, 1, StepState.RUNNING)
            assert await fence_of(master) == "500"
            await master.command("CONFIG", "SET", SLOWLY, 7)
            assert (await here.ended(request_id)).run.state is RunState.DONE
            kinds = [row.kind for row in await here.ledger.audit_trail()]
            assert kinds.count("run.answered") == 3
            assert (await here.ledger.verify_audit()).problem is None


async def test_what_is_no_longer_as_it_was_approved_is_put_back_and_void_when_it_is_resumed(tmp_path):
    async with replication(server, replicas=1) as topology:
        await killed_in_the_second_step(tmp_path, topology)
        async with office(target_of(topology, timeout_ms=1_000), tmp_path, looks_for_s=0) as here:
            request_id = await asking(here, topology)
        async with office(patient_target_of(topology), tmp_path) as here:
            await here.desk.recover(every_s=0.1)
            await topology.nodes[1].restart()
            await topology.ready()
            assert (await here.desk.answer(request_id, LEAD, Answer.RESUME)).ok
            difference = (await here.shown("drifted"))["difference"]
            assert any(line.startswith("is now: ") for line in difference)
            assert (await here.ended(request_id)).state is RequestState.VOID
            assert await fence_of(topology.nodes[0]) == "0"


async def test_a_run_that_is_cut_off_again_asks_and_its_fence_comes_down_meanwhile(tmp_path):
    async with replication(server, replicas=1) as topology:
        request_id = await killed_in_the_second_step(tmp_path, topology)
        async with office(patient_target_of(topology), tmp_path) as here:
            await here.ledger.claim(request_id)  # By a process that then does nothing more.
            await expire(here.ledger, request_id)
            await here.desk.recover(every_s=0.1)
            assert "a second time" in (await here.asked(request_id)).question.seen[0]
            await here.paid()
            assert await fence_of(topology.nodes[0]) == "0"
            assert "asked" in await here.kinds()
            stands = (await here.ledger.request(request_id)).run
            assert (stands.state, stands.steps[0].state) == (RunState.ASKING, StepState.DONE)


async def expire(ledger, request_id):
    """The lease of this run is over."""
    async with ledger._database.writing() as tx:
        await tx.connection.execute(update(runs).where(runs.c.id == request_id).values(leased_until=tx.now))


async def test_who_asked_or_may_approve_can_cancel_a_run_and_it_is_put_back(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        master = topology.nodes[0]
        request = await here.asks(slow="yes", then="yes")
        await here.desk.approve(request.id, LEAD)
        await here.stands(request.id, 1, StepState.RUNNING)
        assert "is a guest" in (await here.desk.cancel(request.id, GUEST)).why
        assert (await here.desk.cancel(request.id, ONCALL)).ok
        assert await fence_of(master) == "500", "the step in hand comes to its end"
        await master.command("CONFIG", "SET", SLOWLY, 7)
        ended = await here.ended(request.id)
        assert (ended.run.state, ended.run.failures) == (RunState.UNDONE, ("oncall cancelled it.",))
        assert [step.state for step in ended.run.steps] == [StepState.UNDONE, StepState.DONE, StepState.SKIPPED]
        assert await fence_of(master) == "0"
        assert await here.ledger.owed() == ()


async def test_what_was_approved_and_had_not_begun_begins_after_a_restart_but_not_after_its_deadline(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        plan = await here.desk.preview("tune", "orders", {"to": "500"})
        late = await here.ledger.file(Ask(plan, {"to": "500"}, ONCALL, None, "", 1, timedelta(seconds=0.3)))
        await here.ledger.decide(late.id, LEAD, "approve")
        request = await here.asks()
        await here.ledger.decide(request.id, LEAD, "approve")
        await asyncio.sleep(0.4)
        await here.desk.recover()
        assert (await here.ended(request.id)).run.state is RunState.DONE
        assert (await here.ended(late.id)).state is RequestState.EXPIRED
        assert "expired" in await here.kinds()


async def test_a_ledger_that_is_gone_stops_changes_and_not_looking(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.asks()
        async with here.ledger._database.writing() as tx:
            await tx.connection.exec_driver_sql("ALTER TABLE approvals RENAME TO gone")
        with pytest.raises(LedgerError, match="failed"):
            await here.desk.approve(request.id, LEAD)

        async def quiet(_text):
            pass

        seen = await here.desk.look("health", "orders", {}, quiet)
        assert seen.diagnosis.master is not None
        assert await fence_of(topology.nodes[0]) == "0"


def test_nothing_is_settled_by_a_picture_that_is_about_to_change():
    snapshot = healthy()
    assert not_quiet(snapshot) is None
    view = snapshot.sentinels[1]
    flags = frozenset({"master", "failover_in_progress"})
    moving = replace(view, master=replace(view.master, flags=flags))
    snapshot = replace(snapshot, sentinels=(snapshot.sentinels[0], moving, snapshot.sentinels[2]))
    assert not_quiet(snapshot) == f"Sentinel {view.address} has a failover in progress."


def test_only_a_master_that_the_sentinels_agree_on_gets_its_writes_back():
    snapshot = healthy()
    assert not_payable(snapshot, node_at(1)) is None
    assert not_payable(snapshot, node_at(2)) is None
    assert not_payable(snapshot, node_at(9)) == "The node does not answer."
    elsewhere = tuple(
        replace(view, master=replace(view.master, address=node_at(2), config_epoch=1)) for view in snapshot.sentinels
    )
    assert "is the agreed one" in not_payable(replace(snapshot, sentinels=elsewhere), node_at(1))
    assert "no node is the agreed one" in not_payable(replace(snapshot, sentinels=()), node_at(1))


def test_only_a_master_that_the_others_agree_on_gets_its_writes_back_in_a_cluster():
    made = clusters.cluster(3, 1)
    assert not_payable(made.snapshot(), clusters.address(1)) is None
    assert not_payable(made.snapshot(), clusters.address(4)) is None
    stale = made.row(4, master=0, epoch=9, slots="0-5460").row(1, slots="").says(1, 1, slots="0-5460").snapshot()
    assert "a majority of the masters does not say so" in not_payable(stale, clusters.address(1))
    alone = made.without(2, 3).snapshot()
    assert "a majority of the masters does not say so" in not_payable(alone, clusters.address(1))


def test_every_outcome_of_a_run_has_its_state():
    assert {outcome.value for outcome in Outcome} <= {state.value for state in RunState}
