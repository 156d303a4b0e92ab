"""Signed HTTP, two connections, and what happens when they break."""

import aiohttp

from sandbox.slack import LocalSlack
from tests.bot.slack.conftest import INCIDENT, House, whispered


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
            lambda: slack.connections == 2 and {one.number for one in slack.sockets.connections} != before, within=30
        )
        assert (await slack.person("U0ONCALL").types(INCIDENT, "/redis help")).acked


async def test_dead_sockets_are_not_ready_and_heal(slack: LocalSlack, house: House) -> None:
    async with house.bot() as service:
        slack.faults.dead_sockets(True)

        async def ready() -> int:
            return (await get(service.port, "/readyz"))[0]

        for _ in range(90):
            if await ready() == 503:
                break
            await slack.world.wait_change(0.5)
        assert await ready() == 503, "it says that nothing reaches it"
        slack.faults.dead_sockets(False)
        for _ in range(90):
            if await ready() == 200:
                break
            await slack.world.wait_change(0.5)
        assert (await slack.person("U0ONCALL").types(INCIDENT, "/redis help")).acked
