"""The local Slack's page in a real browser: what a person sees and does there."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import DemoButton, LocalSlack
from tests.browser.conftest import PATIENT_MS

pytestmark = pytest.mark.browser

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MANIFEST = Path(__file__).parents[2] / "manifest.yml"


def plain(text: str) -> dict:
    return {"type": "plain_text", "text": text}


def button(action_id: str, **more: object) -> dict:
    return {"type": "button", "action_id": action_id, "text": plain(action_id.title()), **more}


CONFIRM = {"title": plain("Fail over?"), "text": plain("Writes pause."), "confirm": plain("Yes"), "deny": plain("No")}
CARD = [
    {"type": "header", "text": plain("Fail over orders")},
    {"type": "actions", "elements": [button("approve", style="primary", confirm=CONFIRM), button("deny")]},
]
MODAL = {
    "type": "modal",
    "callback_id": "reason",
    "title": plain("Deny"),
    "submit": plain("Send"),
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Why?"),
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        {
            "type": "input",
            "block_id": "kind",
            "label": plain("Kind"),
            "element": {
                "type": "radio_buttons",
                "action_id": "kind",
                "options": [{"text": plain("Risky"), "value": "risky"}, {"text": plain("Late"), "value": "late"}],
            },
        },
    ],
}


def small_app(slack: LocalSlack) -> AsyncApp:
    app = AsyncApp(client=AsyncWebClient(token=slack.bot_token, base_url=slack.api_url))

    @app.command("/redis")
    async def command(ack, body, client):
        await ack(f"Looking at {body['text']}")
        await client.chat_postMessage(channel=body["channel_id"], text="card", blocks=CARD)

    @app.action("approve")
    async def approve(ack, body, client):
        await ack()
        who = body["user"]["id"]
        await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text=f"Approved by <@{who}>")

    @app.action("deny")
    async def deny(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("reason")
    async def reason(ack, view, client):
        values = view["state"]["values"]
        if values["why"]["text"]["value"] == "no":
            await ack(response_action="errors", errors={"why": "Say more."})
            return
        await ack()
        kind = values["kind"]["kind"]["selected_option"]["value"]
        await client.chat_postMessage(channel="C0INCIDENT", text=f"Denied as {kind}: {values['why']['text']['value']}")

    @app.event("app_home_opened")
    async def home(event, client):
        view = {"type": "home", "blocks": [{"type": "header", "text": plain("Your targets")}]}
        await client.views_publish(user_id=event["user"], view=view)

    return app


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalSlack]:
    """It gives a busy machine longer than Slack's three seconds."""
    monkeypatch.setattr("sandbox.slack.state.TRIGGER_SECONDS", 60.0)
    async with LocalSlack(MANIFEST) as running:
        running.courier.ack_seconds = 60.0
        handler = AsyncSocketModeHandler(small_app(running), running.app_token)
        await handler.connect_async()
        await running.waits_for(lambda: running.connections)
        yield running
        await handler.close_async()


@pytest.fixture
async def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture
async def page(slack: LocalSlack) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=FLAGS, timeout=2 * PATIENT_MS
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENT_MS)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        await page.goto(f"{slack.page_url}?as=U0ONCALL&channel=C0INCIDENT")
        await expect(page.get_by_test_id("composer")).to_be_visible()
        yield page
        await browser.close()
        assert wrong == []


async def say(page: Page, text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("composer").press("Enter")


async def test_two_people_play_the_approval(page: Page) -> None:
    await page.get_by_test_id("composer").fill("/re")
    await expect(page.get_by_text("Health, diagnosis and failover of Redis")).to_be_visible()
    await say(page, "/redis failover orders")
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    await expect(page.get_by_text("Looking at failover orders")).to_be_visible()

    await page.get_by_test_id("person-U0LEAD").click()
    await expect(page.get_by_text("Looking at failover orders")).to_have_count(0)
    assert "as=U0LEAD" in page.url
    await page.locator('button[action_id="approve"]').click()
    await expect(page.get_by_test_id("confirm")).to_contain_text("Writes pause.")
    await page.get_by_test_id("confirm-ok").click()

    await expect(page.get_by_test_id("message").last).to_contain_text("Approved by @lead")
    await expect(page.get_by_test_id("message").last).to_contain_text("(edited)")
    await expect(page.locator('button[action_id="approve"]')).to_have_count(0)


async def test_a_modal_keeps_what_was_typed_when_it_shows_errors(page: Page) -> None:
    await say(page, "/redis failover orders")
    await page.locator('button[action_id="deny"]').click()
    await expect(page.get_by_test_id("modal")).to_contain_text("Why?")
    await page.get_by_test_id("modal-submit").click()
    assert await page.get_by_test_id("input-text").evaluate("field => field.validity.valueMissing")
    await expect(page.get_by_test_id("toast")).to_have_count(0)

    await page.get_by_test_id("input-text").fill("no")
    await page.get_by_label("Late").check()
    await page.get_by_test_id("modal-submit").click()
    await expect(page.get_by_test_id("input-error")).to_have_text("Say more.")
    await expect(page.get_by_test_id("input-text")).to_have_value("no")

    await page.get_by_test_id("input-text").fill("not tonight")
    await page.get_by_test_id("modal-submit").click()
    await expect(page.get_by_text("Denied as late: not tonight")).to_be_visible()
    await expect(page.get_by_test_id("modal")).to_have_count(0)


async def test_threads_pictures_and_the_home_tab(page: Page, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0INCIDENT", text="run r1")
    await client.chat_postMessage(channel="C0INCIDENT", text="```role:master```", thread_ts=posted["ts"])
    picture = (MANIFEST.parent / "sandbox/slack/page/tandem.svg").read_bytes()
    await client.files_upload_v2(
        channel="C0INCIDENT", thread_ts=posted["ts"], content=picture, filename="run.txt", title="Raw output"
    )
    await expect(page.get_by_test_id("thread-open")).to_contain_text("2 replies")
    await page.get_by_test_id("thread-open").click()
    await expect(page.get_by_test_id("thread").locator("pre")).to_have_text("role:master")
    await expect(page.get_by_test_id("thread")).to_contain_text("Raw output")
    await page.get_by_test_id("thread-composer").fill("thanks")
    await page.get_by_test_id("thread-composer").press("Enter")
    await expect(page.get_by_test_id("thread")).to_contain_text("thanks")

    await page.get_by_test_id("channel-home").click()
    await expect(page.get_by_test_id("home")).to_contain_text("Your targets")


async def test_markup_is_shown_as_slack_shows_it_and_html_as_text(page: Page, client: AsyncWebClient) -> None:
    text = (
        "*bold* _italic_ ~gone~ `code` <@U0LEAD> <#C0INCIDENT|x> <!channel> <https://example.com/|site> "
        "&lt;b&gt; <script>window.bad = 1</script> <javascript:window.bad=1|press> :warning: :nothing_like_it:"
        "\n> quoted"
    )
    await client.chat_postMessage(channel="C0INCIDENT", text=text)
    message = page.get_by_test_id("message").last
    await expect(message.locator("strong").nth(1)).to_have_text("bold")
    await expect(message.locator("em")).to_have_text("italic")
    await expect(message.locator("s")).to_have_text("gone")
    await expect(message.locator("code")).to_have_text("code")
    await expect(message.locator("blockquote")).to_have_text("quoted")
    await expect(message.locator(".mention")).to_have_text(["@lead", "#incident-redis", "@channel"])
    await expect(message.locator("a")).to_have_attribute("href", "https://example.com/")
    await expect(message.locator("svg.emoji")).to_have_attribute("aria-label", ":warning:")
    await expect(message).to_contain_text(":nothing_like_it:")
    await expect(message).to_contain_text("<b>")
    assert await page.evaluate("window.bad") is None
    assert await message.locator("script, a[href^=javascript]").count() == 0


async def test_what_is_higher_than_the_window_is_shown_from_its_beginning(page: Page, client: AsyncWebClient) -> None:
    await expect(page.get_by_test_id("nothing-yet")).to_contain_text("Type /redis to begin")
    steps = {"type": "section", "text": {"type": "mrkdwn", "text": "```" + "step\n" * 80 + "```"}}
    for _ in range(2):
        await client.chat_postMessage(channel="C0INCIDENT", text="card", blocks=[*CARD, steps])
    await expect(page.get_by_test_id("message")).to_have_count(2)
    await expect(page.get_by_test_id("nothing-yet")).to_have_count(0)
    await expect(page.locator("button[action_id=approve]").last).to_be_in_viewport()
    await client.chat_postMessage(channel="C0INCIDENT", text="and more")
    await expect(page.get_by_text("and more")).to_be_in_viewport()

    await expect(page.get_by_test_id("below")).to_have_count(0)
    await page.locator("button[action_id=approve]").first.scroll_into_view_if_needed()
    today = "<!date^1700000000^{date_short_pretty} at {time_secs}|then> :clock3:"
    await client.chat_postMessage(channel="C0INCIDENT", text=f"while one reads above, {today}")
    await expect(page.locator("time").last).to_have_text(re.compile(r"^Nov 1\d at \d\d:13:20$"))
    clock = page.get_by_label(":clock3:")
    await expect(clock).not_to_be_in_viewport()
    await page.get_by_test_id("below").click()
    await expect(clock).to_be_in_viewport()
    await expect(page.get_by_test_id("below")).to_have_count(0)


async def test_an_unknown_block_is_a_loud_error(page: Page, slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0INCIDENT", text="x", blocks=CARD)
    message = slack.world.find("C0INCIDENT", posted["ts"])
    assert message is not None
    message.blocks = [{"type": "hologram", "block_id": "h"}]
    slack.world.changed()
    await expect(page.get_by_test_id("unknown-block")).to_have_text("Unknown block type: hologram")


async def test_the_buttons_that_break_things(page: Page, slack: LocalSlack) -> None:
    async def works() -> str:
        return "Stopped 127.0.0.1:7001."

    async def fails() -> str:
        raise RuntimeError("it is gone already")

    slack.demo_buttons = [
        DemoButton("stop", "Stop the master", "As a crash would.", works),
        DemoButton("hang", "Hang the master", "Nothing answers.", fails),
    ]
    stop = await page.get_by_test_id("demo-stop").element_handle()
    slack.demo_status = "writes 1,204/s, lost 0\nPrometheus: http://127.0.0.1:9090/alerts"
    await expect(page.get_by_test_id("demo-status")).to_contain_text("1,204/s")
    assert await stop.evaluate("one => one.isConnected"), "a button that is drawn anew under the pointer is not pressed"
    await stop.click()
    await expect(page.get_by_test_id("demo-result-stop")).to_have_text("Stopped 127.0.0.1:7001.")
    await page.get_by_test_id("demo-hang").click()
    await expect(page.get_by_test_id("demo-result-hang")).to_have_text("Failed: it is gone already")
    await expect(page.get_by_test_id("demo-result-stop")).to_have_count(0)
    await page.reload()
    await page.get_by_test_id("demo-stop").click()
    await expect(page.get_by_test_id("demo-result-stop")).to_have_text("Stopped 127.0.0.1:7001.")
    await expect(page.get_by_test_id("demo-status")).to_have_text("writes 1,204/s, lost 0Prometheus")
    await expect(page.get_by_role("link", name="Prometheus")).to_have_attribute("href", "http://127.0.0.1:9090/alerts")

    await page.set_viewport_size({"width": 390, "height": 844})  # A phone.
    await page.get_by_test_id("demo-hang").click()
    await expect(page.get_by_test_id("demo-result-hang")).to_be_visible()
    line = await page.get_by_test_id("composer").bounding_box()
    assert line is not None
    assert line["width"] > 250
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_a_click_that_nobody_acks_is_told(page: Page, slack: LocalSlack) -> None:
    await say(page, "/redis failover orders")
    await page.locator('button[action_id="deny"]').wait_for()
    slack.courier.ack_seconds = 0.3
    slack.faults.drop_next_ack()
    await page.locator('button[action_id="deny"]').click()
    await expect(page.get_by_test_id("toast")).to_contain_text("operation_timeout")
