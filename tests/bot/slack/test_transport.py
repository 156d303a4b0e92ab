"""Signed HTTP, two connections, and what happens when they break."""

import asyncio
import time
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier

from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, saying, whispered


async def get(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.text()


async def test_signed_http_has_the_same_listeners(slack: LocalSlack, house: House) -> None:
    house.over_http = True
    async with house.bot() as service:
        assert (await slack.person("U0ONCALL").types(INCIDENT, "/redis help")).acked
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "What you can do here"))
        assert slack.connections == 0
        assert await get(service.port, "/readyz") == (200, "ready\n")


async def test_a_wrong_signature_does_nothing(slack: LocalSlack, house: House) -> None:
    house.over_http = True
    async with house.bot():
        slack.courier.signing_secret = "wrong"
        assert not (await slack.person("U0ONCALL").types(INCIDENT, "/redis help")).acked
        assert whispered(slack, "U0ONCALL", "What you can do here") is None


@pytest.mark.parametrize(("age_s", "status"), [(10, 200), (301, 401)])
async def test_what_was_signed_long_ago_is_not_taken_again(
    slack: LocalSlack, house: House, age_s: int, status: int
) -> None:
    """Who has recorded a request cannot send it once more, however well it is signed."""
    house.over_http = True
    form = {"command": "/redis", "text": "help", "team_id": "T0LOCAL", "user_id": "U0ONCALL", "channel_id": INCIDENT}
    body, signed_at = urlencode(form), str(int(time.time()) - age_s)
    signature = SignatureVerifier(slack.signing_secret).generate_signature(timestamp=signed_at, body=body)
    headers = {"X-Slack-Request-Timestamp": signed_at, "X-Slack-Signature": signature}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    async with house.bot() as service, aiohttp.ClientSession() as session:
        where = f"http://127.0.0.1:{service.port}/slack/events"
        async with session.post(where, data=body, headers=headers) as response:
            assert response.status == status


async def test_over_sockets_nothing_is_taken_by_http(slack: LocalSlack, house: House) -> None:
    async with house.bot() as service:
        assert (await get(service.port, "/slack/events"))[0] == 404
        assert await get(service.port, "/healthz") == (200, "ok\n")


async def test_one_connection_takes_over_while_the_other_is_renewed(slack: LocalSlack, house: House) -> None:
    async with house.bot():
        before = {connection.number for connection in slack.sockets.connections}
        slack.faults.refresh_disconnect()
        for _ in range(5):
            assert (await slack.person("U0ONCALL").types(INCIDENT, "/redis help")).acked
        await slack.waits_for(
            lambda: slack.connections == 2 and {one.number for one in slack.sockets.connections} != before
        )
        assert (await slack.person("U0ONCALL").types(INCIDENT, "/redis help")).acked


async def test_dead_sockets_are_not_ready_and_heal_and_the_channel_reads_for_how_long_nobody_heard(
    slack: LocalSlack, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.sockets.PING_S", 1.0)
    monkeypatch.setattr("bot.slack.hearing.PATIENCE_S", 2.5)
    async with house.bot() as service:
        slack.faults.dead_sockets(True)

        async def ready() -> int:
            return (await get(service.port, "/readyz"))[0]

        for _ in range(90):
            if await ready() == 503:
                break
            await slack.world.wait_change(0.5)
        for _ in range(8):  # New connections are open, and as silent as the old ones.
            assert await ready() == 503, "it says that nothing reaches it"
            await slack.world.wait_change(0.5)
        assert saying(slack, "did not hear Slack") is None
        slack.faults.dead_sockets(False)
        for _ in range(90):
            if await ready() == 200:
                break
            await slack.world.wait_change(0.5)
        assert (await slack.person("U0ONCALL").types(INCIDENT, "/redis help")).acked
        told = await slack.waits_for(lambda: saying(slack, "Tandem did not hear Slack from <!date^"))
        assert "repeat what had no answer" in told.plain()
    assert len([one for one in slack.messages(INCIDENT) if "did not hear" in one.plain()]) == 1


async def test_after_the_bot_was_away_the_channel_reads_from_when_to_when(
    slack: LocalSlack, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.hearing.PATIENCE_S", 60.0)
    async with house.bot():
        pass
    async with house.bot():
        await slack.person("U0ONCALL").types(INCIDENT, "/redis help")
        await slack.waits_for(lambda: whispered(slack, "U0ONCALL", "What you can do here"))
    assert saying(slack, "did not hear Slack") is None, "a restart is short"
    monkeypatch.setattr("bot.slack.hearing.PATIENCE_S", 1.0)
    await asyncio.sleep(1.5)
    async with house.bot():
        await slack.waits_for(lambda: saying(slack, "Tandem did not hear Slack from <!date^"))
