"""Without approval, and with the typed name, as people see it in the channel."""

import pytest

from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered

pytestmark = pytest.mark.usefixtures("harmless_actions")


async def test_what_goes_without_approval_is_told_to_all_and_reviewed(slack: LocalSlack, house: House) -> None:
    house.keep(targets(None, break_glass={"users": ["U0ONCALL"]}))
    oncall, lead, second = (slack.person(user) for user in ("U0ONCALL", "U0LEAD", "U0SECOND"))
    async with house.bot():
        await lead.types(INCIDENT, "/redis restart --break-glass --reason “it burns”")
        refusal = await slack.waits_for(lambda: saying(slack, "restart orders: refused"))
        assert "You may not break the glass on orders" in refusal.plain()

        await oncall.types(INCIDENT, "/redis restart --break-glass --reason “it <!channel> burns”")
        card = await slack.waits_for(lambda: saying(slack, "Nobody has approved this."))
        assert "<@U0ONCALL> broke the glass." in card.plain()
        assert "Told directly: <@U0LEAD> <@U0SECOND>" in card.plain()
        assert [text for text, _, _ in card.buttons()] == ["Details"]
        for person in (lead, second):
            told = await slack.waits_for(lambda person=person: slack.messages(person.direct_messages))
            assert "goes without anybody's approval" in told[0].plain()
        done = await slack.waits_for(lambda: saying(slack, "restart orders: done and proven"))
        assert "approved by nobody: the glass was broken" in done.plain()

        open_ = await slack.waits_for(lambda: saying(slack, "review to be signed: restart orders"))
        assert "<@U0LEAD> <@U0SECOND>" in open_.plain()
        await oncall.opens_home()
        await slack.waits_for(lambda: oncall.home and "Reviews to be signed" in oncall.home.plain())
        await oncall.clicks(open_, "sign")
        await oncall.submits(await oncall.waits_for_view("signed"), {"note.note": "Fine."})
        assert "a second person has to sign" in (await oncall.waits_for_view("shown")).plain()
        await lead.clicks(open_, "sign")
        form = await lead.waits_for_view("signed")
        assert (await lead.submits(form, {"note.note": "It <!channel> was burning."})).acked
        signed = await slack.waits_for(lambda: saying(slack, "review signed: restart orders"))
        assert signed.ts == open_.ts
        assert "Signed by <@U0LEAD>" in signed.plain()
        assert [text for text, _, _ in signed.buttons()] == ["Details"]
        await slack.waits_for(lambda: "Reviewed by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())
        request_id = card.buttons()[0][2]
        await second.types(INCIDENT, f"/redis sign {request_id} --note “me too”")
        await slack.waits_for(lambda: whispered(slack, "U0SECOND", "was signed by lead at"))
    assert slack.broadcast_mentions == []


async def test_what_cannot_be_undone_is_approved_by_the_name_of_its_target(slack: LocalSlack, house: House) -> None:
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    async with house.bot():
        await oncall.types(INCIDENT, "/redis wipe orders")
        card = await slack.waits_for(lambda: saying(slack, "wipe orders: irreversible"))
        assert "whoever approves types the name of the target" in card.plain()
        assert card.buttons()[0][:2] == ("Approve …", "approve-typed")

        for typed, answer in (("ordres", "you typed 'ordres'"), ("orders", None)):
            await lead.clicks(card, "approve-typed")
            form = await lead.waits_for_view("approve:typed")
            assert (await lead.submits(form, {"typed.typed": typed})).acked
            if answer:
                assert answer in (await lead.waits_for_view("shown")).plain()
                assert "Approved" not in slack.message(INCIDENT, card.ts).plain()
        await slack.waits_for(lambda: "Approved by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())
        await lead.clicks_stale(card, "approve-typed")
        await slack.waits_for(
            lambda: "Nobody can approve this any more" in lead.world.top_view("U0LEAD").frozen().plain()
        )
