"""The whole story in a real browser, by two people: break Redis, have it diagnosed, fail it over, lose nothing."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from sandbox.demo import Demo, running
from tests.browser.conftest import PATIENT_MS
from tests.browser.test_local_slack_page import FLAGS
from tests.failover import PATIENT

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)]

PICTURE = os.environ.get("TANDEM_PICTURE")
"""Where the README's picture is written to; `make picture` sets it."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's servers are slow to answer."""
    monkeypatch.setattr("sandbox.demo.stage.LIMITS", PATIENT)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=FLAGS, timeout=2 * PATIENT_MS
        )
        try:
            yield browser
        finally:
            await browser.close()


async def seated(browser: Browser, demo: Demo, user: str) -> Page:
    """A window of this person in the incident channel."""
    page = await browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(PATIENT_MS)
    await page.goto(f"{demo.slack.page_url}?as={user}&channel=C0INCIDENT")
    await expect(page.get_by_test_id("composer")).to_be_visible()
    return page


async def says(page: Page, text: str) -> None:
    composer = page.get_by_test_id("composer")
    await composer.fill(text)
    await composer.press("Enter")


def message(page: Page, text: str | re.Pattern[str]) -> Locator:
    """The newest message that says this."""
    return page.get_by_test_id("message").filter(has_text=text).last


async def breaks(page: Page, button: str, result: str) -> None:
    await page.get_by_test_id(f"demo-{button}").click()
    await expect(page.get_by_test_id(f"demo-result-{button}")).to_contain_text(result)


@pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="needs Debian's chromium")
async def test_two_people_and_a_broken_redis(tmp_path: Path) -> None:
    async with running() as demo, chromium() as browser:
        oncall, lead = await seated(browser, demo, "U0ONCALL"), await seated(browser, demo, "U0LEAD")

        await says(oncall, "/redis")
        await expect(message(oncall, "What shall I do with orders?")).to_be_visible()
        await expect(message(lead, "What shall I do with orders?")).to_have_count(0)

        await breaks(oncall, "slow", "later")
        await says(oncall, "/redis health")
        await expect(message(oncall, "orders: healthy")).to_contain_text("names 127.")

        await says(oncall, "/redis failover")
        card = message(oncall, "failover orders: destructive")
        await expect(card).to_contain_text("2 are active")
        await card.locator("button[action_id=approve]").click()
        await expect(message(oncall, "second person")).to_be_visible()

        await message(lead, "failover orders: destructive").locator("button[action_id=approve]").click()
        await expect(message(lead, "Approved.")).to_be_visible()
        await expect(message(oncall, "Approved by")).to_be_visible()
        done = message(oncall, "failover orders: done and proven")
        await expect(done).to_be_visible(timeout=120_000)
        await done.evaluate("one => one.scrollIntoView()")  # At once: the page draws a message anew when it changes.
        await oncall.screenshot(path=tmp_path / "done.png")
        if PICTURE:
            await oncall.screenshot(path=PICTURE)
        await breaks(oncall, "lost", "0 of")

        await breaks(oncall, "heal", "whole again")
        await breaks(oncall, "stop-master", "killed")
        await says(oncall, "/redis diagnose")
        # What is so by then: the Sentinels do not wait for who looks.
        lost = re.compile("orders: (master-down|failover-in-progress|replica-down)")
        await expect(message(oncall, lost)).to_be_visible()
        prompt = message(oncall, "What Tandem sees")
        await expect(prompt.locator("button[action_id=incident_acknowledge]")).to_be_visible()
        await breaks(oncall, "heal", "whole again")
        await says(oncall, "/redis diagnose")
        await expect(message(oncall, "orders: healthy")).to_contain_text("seen")
        assert demo.slack.broadcast_mentions == []
        assert [call for call in demo.slack.calls if call.error] == []
        assert (tmp_path / "done.png").stat().st_size > 20_000


@pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="needs Debian's chromium")
async def test_two_people_and_a_split_brain(tmp_path: Path) -> None:
    async with running("replication") as demo, chromium() as browser:
        oncall, lead = await seated(browser, demo, "U0ONCALL"), await seated(browser, demo, "U0LEAD")
        await breaks(oncall, "split-brain", "Two masters")
        old, new = [node.address for node in await demo.stage.topology.masters()]  # type: ignore[attr-defined]

        await says(oncall, "/redis repair")
        await expect(message(oncall, "Say which side is kept")).to_contain_text("nobody is in charge to say")
        await says(oncall, "/redis diagnose")
        seen = message(oncall, "orders: split-brain")
        await expect(seen).to_contain_text("undetermined")
        await seen.get_by_role("button", name=f"repair orders --keep {new}").click()

        card = message(lead, "repair orders: destructive")
        await expect(card).to_contain_text("because a person chose it")
        await expect(card).to_contain_text(f"What only {old} has leaves the service, and is kept")
        await expect(card).to_contain_text("Leaves the service, copied first")
        await card.locator("button[action_id=approve]").click()

        done = message(oncall, "repair orders: done and proven")
        await expect(done).to_be_visible(timeout=120_000)
        await expect(done).to_contain_text(f"keys only on {old}")
        await expect(done).to_contain_text(re.compile(rf"nothing was merged; all [\d,]+ keys of {old} are in \S+\.rdb"))
        await done.evaluate("one => one.scrollIntoView()")
        await oncall.screenshot(path=tmp_path / "repaired.png")
        await breaks(oncall, "lost", "0 of")
        await says(oncall, "/redis diagnose")
        await expect(message(oncall, "orders: healthy")).to_contain_text("seen")
        assert demo.slack.broadcast_mentions == []
        assert [call for call in demo.slack.calls if call.error] == []
