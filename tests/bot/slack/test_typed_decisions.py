"""Decisions that are typed: by the id of a request, where its card has scrolled away."""

import pytest

from sandbox.slack import LocalSlack, Message
from tests.bot.slack.conftest import INCIDENT, House, saying, targets, whispered

pytestmark = pytest.mark.usefixtures("harmless_actions")


async def card_of(slack: LocalSlack, action: str = "restart") -> tuple[Message, str]:
    await slack.person("U0ONCALL").types(INCIDENT, f"/redis {action}")
    card = await slack.waits_for(lambda: saying(slack, f"{action} orders: "))
    return card, next(value for _, action_id, value in card.buttons() if action_id == "withdraw")


async def test_who_approves_by_an_id_sees_the_plan_first_and_its_buttons_go_with_the_decision(
    slack: LocalSlack, house: House
) -> None:
    lead = slack.person("U0LEAD")
    async with house.bot():
        card, request = await card_of(slack)
        await slack.person("U0ONCALL").types(INCIDENT, f"/redis approve {request}")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "You asked for this yourself"))

        await lead.types(INCIDENT, f"/redis approve {request}")
        shown = await slack.waits_for(lambda: whispered(slack, "U0LEAD", "restart orders: destructive"))
        assert shown.buttons() == card.buttons()
        assert "Approved" not in slack.message(INCIDENT, card.ts).plain(), "an id alone decides nothing"
        await lead.clicks(shown, "approve")
        await slack.waits_for(lambda: "Approved by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())
        await slack.waits_for(lambda: not whispered(slack, "U0LEAD", "approval needed"))
        gone = await slack.waits_for(lambda: whispered(slack, "U0LEAD", "Approved by <@U0LEAD>"))
        assert (gone.ts, gone.buttons()) == (shown.ts, [])

        await lead.types(INCIDENT, f"/redis approve {request}")
        late = await slack.waits_for(lambda: whispered(slack, "U0LEAD", f"`{request}` `restart orders`"))
        assert late.buttons() == []


async def test_a_no_and_a_withdrawal_are_typed_with_the_id(slack: LocalSlack, house: House) -> None:
    oncall, lead = slack.person("U0ONCALL"), slack.person("U0LEAD")
    async with house.bot():
        card, request = await card_of(slack)
        await lead.types(INCIDENT, f"/redis withdraw {request}")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", ":no_entry:"))
        await lead.types(INCIDENT, f"/redis sign {request}")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", "has no review"))
        await oncall.types(INCIDENT, f"/redis deny {request}")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "You asked for"))
        await lead.types(INCIDENT, f"/redis deny {request}")
        await slack.waits_for(lambda: whispered(slack, "U0LEAD", f"why {request} shall not be"))
        await lead.types(INCIDENT, f"/redis deny {request} --reason “not now”")
        await slack.waits_for(lambda: "Denied by <@U0LEAD>" in slack.message(INCIDENT, card.ts).plain())
        assert "not now" in slack.message(INCIDENT, card.ts).plain()

        await oncall.types(INCIDENT, "/redis wipe")
        card = await slack.waits_for(lambda: saying(slack, "wipe orders: irreversible"))
        request = next(value for _, action_id, value in card.buttons() if action_id == "withdraw")
        await lead.types(INCIDENT, f"/redis approve {request}")
        shown = await slack.waits_for(lambda: whispered(slack, "U0LEAD", "wipe orders: irreversible"))
        assert "approve-typed" in [action_id for _, action_id, _ in shown.buttons()], "the name is typed here too"
        await oncall.types(INCIDENT, f"/redis withdraw {request}")
        await slack.waits_for(lambda: "Withdrawn by <@U0ONCALL>" in slack.message(INCIDENT, card.ts).plain())


def told_so(slack: LocalSlack) -> int:
    private = [one.plain() for one in slack.messages(INCIDENT) if one.ephemeral_for == "U0LEAD"]
    return sum("is about a target that is not bound to this channel" in said for said in private)


async def test_what_is_about_a_target_of_another_channel_is_not_decided_here(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        card, request = await card_of(slack)
    house.keep(targets(None, channels=["C0ELSEWHERE"]))
    async with house.bot():
        lead = slack.person("U0LEAD")
        for answers, line in enumerate((f"approve {request}", f"deny {request} --reason no"), 1):
            await lead.types(INCIDENT, f"/redis {line}")
            await slack.waits_for(lambda: told_so(slack) == answers)  # noqa: B023 -- It is awaited in the same turn.
        assert "Denied" not in slack.message(INCIDENT, card.ts).plain()
