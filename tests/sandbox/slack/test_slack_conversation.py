"""The whole way of commands, clicks, modals and events, by the real Bolt, over both transports."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.slack import LocalSlack, Person
from sandbox.slack.people import NoSuchControlError
from tests.sandbox.slack.bolt_apps import bolt_app, over_http, over_sockets
from tests.sandbox.slack.conftest import PATIENT_S

CARD = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Fail over *orders*?"}},
    {
        "type": "actions",
        "block_id": "decision",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "value": "r1",
                "style": "primary",
                "text": {"type": "plain_text", "text": "Approve"},
            },
            {"type": "button", "action_id": "deny", "value": "r1", "text": {"type": "plain_text", "text": "Deny"}},
        ],
    },
]
REASON = {
    "type": "modal",
    "callback_id": "reason",
    "title": {"type": "plain_text", "text": "Deny"},
    "submit": {"type": "plain_text", "text": "Deny"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {"type": "plain_text_input", "action_id": "text", "max_length": 20},
        }
    ],
}


def story_app(slack: LocalSlack):  # noqa: C901 - one listener for each thing that a person can do
    app = bolt_app(slack)

    @app.command("/redis")
    async def command(ack, body, client, respond):
        if body["text"] == "broken":
            raise RuntimeError("before the ack")
        await ack(f"Looking at {body['text']}")
        if body["text"] == "failover orders":
            await client.chat_postMessage(channel=body["channel_id"], text="Fail over?", blocks=CARD)
        if body["text"] == "respond":
            for number in range(6):
                answer = await respond(f"answer {number}", response_type="in_channel" if number == 4 else "ephemeral")
                app.statuses.append((answer.status_code, answer.body))

    @app.action("approve")
    async def approve(ack, body, respond, client):
        await ack()
        await client.chat_update(
            channel=body["channel"]["id"],
            ts=body["message"]["ts"],
            text=f"Approved by <@{body['user']['id']}>",
            blocks=[],
        )

    @app.action("deny")
    async def deny(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=REASON)

    @app.view("reason")
    async def reason(ack, view, body, client):
        text = view["state"]["values"]["why"]["text"]["value"]
        if text == "no":
            await ack(response_action="errors", errors={"why": "Say more."})
            return
        await ack()
        await client.chat_postMessage(channel="C0INCIDENT", text=f"Denied: {text}")

    @app.view_closed("reason")
    async def closed(ack, client):
        await ack()
        await client.chat_postMessage(channel="C0INCIDENT", text="Not denied after all.")

    @app.event("app_home_opened")
    async def home(event, client):
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [{"type": "divider"}, *CARD]})

    app.statuses = []
    return app


@pytest.fixture(params=[over_sockets, over_http])
async def app(request: pytest.FixtureRequest, slack: LocalSlack) -> AsyncIterator[object]:
    app = story_app(slack)
    async with request.param(slack, app):
        yield app


@pytest.fixture
def oncall(slack: LocalSlack, app: object) -> Person:
    return slack.person("U0ONCALL")


async def test_a_command_is_acked_and_only_its_author_sees_the_ack(slack: LocalSlack, oncall: Person) -> None:
    began = time.monotonic()
    answer = await oncall.types("C0INCIDENT", "/redis health orders")

    assert answer.acked
    (shown,) = slack.messages("C0INCIDENT", viewer="U0ONCALL")
    assert shown.plain() == "Looking at health orders"
    assert shown.ephemeral_for == "U0ONCALL"
    assert slack.messages("C0INCIDENT", viewer="U0LEAD") == []
    assert slack.deliveries[-1].error is None
    assert 0 < slack.deliveries[-1].latency < time.monotonic() - began


async def test_an_exception_before_the_ack_shows_an_error(slack: LocalSlack, oncall: Person) -> None:
    slack.courier.ack_seconds = 0.5
    answer = await oncall.types("C0INCIDENT", "/redis broken")

    assert not answer.acked
    assert slack.messages("C0INCIDENT")[-1].text == f'/redis failed with the error "{answer.error}"'
    assert answer.error in {"operation_timeout", "dispatch_failed"}


async def test_a_lost_ack_is_a_timeout(slack: LocalSlack, oncall: Person) -> None:
    slack.courier.ack_seconds = 0.5
    slack.faults.drop_next_ack()

    assert (await oncall.types("C0INCIDENT", "/redis health")).error == "operation_timeout"
    slack.courier.ack_seconds = PATIENT_S
    assert (await oncall.types("C0INCIDENT", "/redis health")).error is None


async def test_a_click_replaces_the_card_and_an_old_screen_can_still_press(slack: LocalSlack, oncall: Person) -> None:
    await oncall.types("C0INCIDENT", "/redis failover orders")
    (card,) = await slack.waits_for(lambda: slack.messages("C0INCIDENT", viewer="U0LEAD"))
    assert card.buttons() == [("Approve", "approve", "r1"), ("Deny", "deny", "r1")]
    lead = slack.person("U0LEAD")

    assert (await lead.clicks(card, "Approve")).acked
    await slack.waits_for(lambda: slack.message("C0INCIDENT", card.ts).edited)

    assert slack.message("C0INCIDENT", card.ts).text == "Approved by <@U0LEAD>"
    with pytest.raises(NoSuchControlError, match="no control 'approve'"):
        await lead.clicks(card, "approve")
    assert (await lead.clicks_stale(card, "deny", "r1")).acked
    assert (await lead.waits_for_view()).title == "Deny"


async def test_a_modal_shows_errors_then_closes(slack: LocalSlack, oncall: Person) -> None:
    await oncall.types("C0INCIDENT", "/redis failover orders")
    (card,) = await slack.waits_for(lambda: slack.messages("C0INCIDENT", viewer="U0LEAD"))
    await oncall.clicks(card, "deny")
    view = await oncall.waits_for_view("reason")

    with pytest.raises(AssertionError, match=r"required input why\.text"):
        await oncall.submits(view, {})
    with pytest.raises(AssertionError, match="0 to 20 characters"):
        await oncall.submits(view, {"why.text": "x" * 21})
    assert (await oncall.submits(view, {"why.text": "no"})).acked
    assert (await oncall.waits_for_view()).errors == {"why": "Say more."}

    await oncall.submits(view, {"why.text": "not today"})
    await slack.waits_for(lambda: slack.messages("C0INCIDENT")[-1].text == "Denied: not today")
    assert slack.world.top_view("U0ONCALL") is None


async def test_closing_a_modal_is_told_to_the_app(slack: LocalSlack, oncall: Person) -> None:
    await oncall.types("C0INCIDENT", "/redis failover orders")
    (card,) = await slack.waits_for(lambda: slack.messages("C0INCIDENT", viewer="U0LEAD"))
    await oncall.clicks(card, "deny")
    await oncall.closes(await oncall.waits_for_view())
    await slack.waits_for(lambda: slack.messages("C0INCIDENT")[-1].text == "Not denied after all.")


async def test_a_response_url_works_five_times(slack: LocalSlack, oncall: Person, app) -> None:
    await oncall.types("C0INCIDENT", "/redis respond")
    await slack.waits_for(lambda: len(app.statuses) == 6)

    assert app.statuses == [(200, "ok")] * 5 + [(404, "used_url")]
    assert [message.text for message in slack.messages("C0INCIDENT", viewer="U0LEAD")] == ["answer 4"]


async def test_the_home_tab(slack: LocalSlack, oncall: Person) -> None:
    assert (await oncall.opens_home()).acked
    home = await slack.waits_for(lambda: oncall.home)
    assert "Fail over *orders*?" in home.plain()
    assert (await oncall.clicks(home, "deny")).acked
    await oncall.waits_for_view()


async def test_a_repeated_event_has_the_same_id_and_says_so(slack: LocalSlack, oncall: Person, app) -> None:
    seen = []

    @app.middleware
    async def look(req, next):  # noqa: A002 - Bolt injects by this name
        seen.append((req.body.get("event_id"), req.headers.get("x-slack-retry-num")))
        await next()

    slack.faults.repeat_next_event()
    await oncall.opens_home()

    (first, no_retry), (second, retry) = seen
    assert first == second
    assert (no_retry or ["0"], retry) == (["0"], ["1"])


async def test_unknown_commands_and_commands_in_threads_get_an_answer(slack: LocalSlack, oncall: Person) -> None:
    assert (await oncall.types("C0INCIDENT", "/reddis health")).error == "not_a_command"
    assert slack.messages("C0INCIDENT")[-1].text == "/reddis is not a valid command."
    await oncall.types("C0INCIDENT", "hello")
    thread = slack.messages("C0INCIDENT")[-1].ts
    assert (await oncall.types("C0INCIDENT", "/redis health", thread_ts=thread)).error == "not_in_threads"


async def test_names_are_escaped_to_ids(slack: LocalSlack, oncall: Person) -> None:
    await oncall.types("C0INCIDENT", "/redis approve @lead #incident-redis @redis-ops <!channel> a&b")

    assert slack.messages("C0INCIDENT")[-1].text == (
        "Looking at approve <@U0LEAD|lead> <#C0INCIDENT|incident-redis> <!subteam^S0REDISOPS|@redis-ops>"
        " &lt;!channel&gt; a&amp;b"
    )
    assert slack.broadcast_mentions == []


async def test_a_response_url_replaces_and_deletes_its_message(slack: LocalSlack, oncall: Person, app) -> None:
    @app.action("menu")
    async def menu(ack, respond, action):
        await ack()
        chosen = action["selected_option"]["value"]
        answer = await respond(f"You chose {chosen}", replace_original=chosen == "a", delete_original=chosen == "b")
        app.statuses.append(answer.status_code)

    options = [{"text": {"type": "plain_text", "text": each.upper()}, "value": each} for each in "ab"]
    select = {"type": "static_select", "action_id": "menu", "options": options}
    blocks = [{"type": "actions", "elements": [select]}]
    for choice in ("a", "b"):
        posted = await app.client.chat_postEphemeral(
            channel="C0INCIDENT", user="U0ONCALL", text="choose", blocks=blocks
        )
        await oncall.chooses(slack.message("C0INCIDENT", posted["message_ts"]), "menu", choice)
    await slack.waits_for(lambda: app.statuses == [200, 200])

    (left,) = slack.messages("C0INCIDENT", viewer="U0ONCALL")
    assert left.text == "You chose a"
    assert left.edited


async def test_only_its_reader_can_press_a_private_button(slack: LocalSlack, oncall: Person, app) -> None:
    posted = await app.client.chat_postEphemeral(channel="C0INCIDENT", user="U0ONCALL", text="x", blocks=CARD)
    private = slack.message("C0INCIDENT", posted["message_ts"])
    with pytest.raises(AssertionError, match="Only U0ONCALL can see"):
        await slack.person("U0LEAD").clicks(private, "approve")


async def test_an_event_without_an_ack_comes_again(slack: LocalSlack, oncall: Person) -> None:
    slack.courier.ack_seconds, slack.courier.event_retry_seconds = 1.0, (0.0, 0.0, 0.0)
    slack.faults.drop_next_ack()

    assert (await oncall.opens_home()).error == "operation_timeout"
    slack.courier.ack_seconds = PATIENT_S
    await slack.waits_for(lambda: len(slack.deliveries) == 2)
    assert [(each.retry, each.error) for each in slack.deliveries] == [(0, "operation_timeout"), (1, None)]


async def test_an_old_response_url_has_expired(slack: LocalSlack, oncall: Person, app) -> None:
    card = slack.faults.hold_next("chat.postMessage")

    await oncall.types("C0INCIDENT", "/redis failover orders")
    assert slack.messages("C0INCIDENT", viewer="U0LEAD") == [], "the card is delayed"
    (key,) = slack.world.response_urls
    slack.world.response_urls[key].expires -= 1800
    async with aiohttp.ClientSession() as session:
        url = f"{slack.page_url}commands/T0LOCAL/1/{key}"
        async with session.post(url, json={"text": "late"}) as response:
            assert (response.status, await response.text()) == (404, "expired_url")
    card.go.set()
    await slack.waits_for(lambda: slack.messages("C0INCIDENT", viewer="U0LEAD"))
