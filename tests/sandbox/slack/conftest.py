"""A local Slack with the project's own manifest, and the real SDK's client for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import LocalSlack

PATIENT_S = 60.0
"""How long an ack may take on a busy machine, where a test does not wait for one that is late."""
MANIFEST = Path(__file__).parents[3] / "manifest.yml"


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(MANIFEST) as running:
        running.courier.ack_seconds = PATIENT_S
        yield running


@pytest.fixture
async def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
