"""Without approval in an emergency, and what cannot be undone: on a real server, from the request to the review."""

from datetime import timedelta

import pytest

from actions.kit.errors import UsageError
from actions.kit.plan import Refusal
from bot.ledger import RequestState, RunState
from bot.render.json_requests import request_json, requests_json
from sandbox.redis import builds, replication
from tests.bot.desks import FENCE, GUEST, LEAD, ONCALL, office
from tests.failover import patient_target_of, setting

pytestmark = pytest.mark.servers

server = builds()[0]
WHY = "the disk is dying"


async def breaks(here, person=ONCALL, action="tune", reason=WHY):
    return await here.desk.ask(action, "orders", {"to": "500"}, person, "C0INCIDENT", reason, break_glass=True)


async def test_it_goes_without_approval_and_leaves_a_review_that_a_second_person_signs(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await breaks(here)
        assert (request.break_glass, request.approvals_needed) == (True, 0)
        assert request.expires_at - request.created_at == timedelta(minutes=2)
        ended = await here.ended(request.id)
        assert (ended.run.state, ended.review.signed_at) == (RunState.DONE, None)
        assert await here.kinds() == ["card", "glass", "run", "transcript"]
        assert (await here.shown("card"))["active"] == ["U0LEAD"]

        await here.desk.recover()
        assert (await here.shown("review"))["people"] == ["U0LEAD"]
        assert [one.id for one in await here.desk.reviews.unsigned()] == [request.id]
        assert requests_json([ended])["runs"][0]["review_open"] is True
        own = await here.desk.reviews.sign(request.id, ONCALL, "fine")
        guest = await here.desk.reviews.sign(request.id, GUEST, "fine")
        with pytest.raises(UsageError, match="what you found in"):
            await here.desk.reviews.sign(request.id, LEAD, " ")
        assert not own.ok
        assert "is a guest" in guest.why
        assert (await here.desk.reviews.sign(request.id, LEAD, "it was dying")).ok
        shown = request_json(await here.desk.show(request.id))
        assert shown["break_glass"] is True
        assert (shown["review"]["signed_by"]["id"], shown["review"]["note"]) == ("U0LEAD", "it was dying")
        assert await here.desk.reviews.unsigned() == ()
        assert (await here.ledger.verify_audit()).problem is None


async def test_who_is_not_named_or_gives_no_reason_breaks_no_glass(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        lead = await breaks(here, LEAD)
        assert isinstance(lead, Refusal)
        assert lead.reason == "You may not break the glass on orders; U0ONCALL may."
        assert "takes a second person in an emergency too" in (await breaks(here, action="flush")).reason
        with pytest.raises(UsageError, match="takes a reason"):
            await breaks(here, reason=" ")
        here.staff.reachable = False
        assert "could not be looked up" in (await breaks(here)).reason
        assert await here.desk.runs() == ()
        assert await setting(topology.nodes[0], FENCE) == "0"
        refused = [row.details for row in await here.ledger.audit_trail() if row.kind == "request.refused"]
        assert len(refused) == 3
        assert all('"break_glass":true' in details for details in refused)


async def test_the_glass_does_not_break_a_freeze_or_a_cooldown(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        await here.desk.locks.freeze("orders", LEAD, "release day")
        assert "orders is frozen by lead" in (await breaks(here)).reason
        await here.desk.locks.thaw("orders", LEAD)
        await here.ended((await breaks(here)).id)
        assert "ago; wait until" in (await breaks(here)).reason


async def test_what_cannot_be_undone_takes_the_typed_name_of_its_target(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.desk.ask("flush", "orders", {"to": "500"}, ONCALL, "C0INCIDENT", WHY)
        nothing = await here.desk.approve(request.id, LEAD)
        wrong = await here.desk.approve(request.id, LEAD, "ordres")
        guest = await here.desk.approve(request.id, GUEST, "orders")
        assert nothing.why.endswith("type the name of its target, orders; nothing was typed. Nothing counts.")
        assert "you typed 'ordres'" in wrong.why
        assert "is a guest" in guest.why
        assert (await here.desk.show(request.id)).state is RequestState.WAITING
        assert (await here.desk.approve(request.id, LEAD, " orders ")).ok
        assert (await here.ended(request.id)).run.state is RunState.DONE
        approvals = [row.details for row in await here.ledger.audit_trail() if row.kind == "request.approve"]
        assert ['"counts":true' in details for details in approvals] == [False, False, False, True]


async def test_a_denial_of_what_cannot_be_undone_takes_no_name(tmp_path):
    async with replication(server, replicas=1) as topology, office(patient_target_of(topology), tmp_path) as here:
        request = await here.desk.ask("flush", "orders", {"to": "500"}, ONCALL, "C0INCIDENT", WHY)
        assert (await here.desk.deny(request.id, LEAD, "no")).ok
