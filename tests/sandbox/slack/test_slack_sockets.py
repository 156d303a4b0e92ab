"""Socket Mode by the real client: reconnects, dead sockets, one envelope to one connection."""

import asyncio

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import LocalSlack
from tests.sandbox.slack.bolt_apps import bolt_app, over_http, over_sockets


def acking_app(slack: LocalSlack):
    app = bolt_app(slack)

    @app.command("/redis")
    async def command(ack):
        await ack("seen")

    return app


async def link(slack: LocalSlack) -> str:
    opened = await AsyncWebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)
    return opened["url"]


async def test_a_ticket_is_for_one_connection(slack: LocalSlack) -> None:
    url = await link(slack)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            hello = await socket.receive_json()
            assert hello["type"] == "hello"
            assert hello["num_connections"] == 1
        async with session.get(url) as second:
            assert second.status == 404


async def test_the_eleventh_connection_is_sent_away(slack: LocalSlack) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(await link(slack)) for _ in range(10)]
        one_more = await session.ws_connect(await link(slack))
        assert (await one_more.receive_json())["reason"] == "too_many_websockets"
        assert slack.connections == 10
        for socket in [*sockets, one_more]:
            await socket.close()


async def test_envelopes_take_turns_between_connections(slack: LocalSlack) -> None:
    async with over_sockets(slack, acking_app(slack)), over_sockets(slack, acking_app(slack)):
        for _ in range(4):
            assert (await slack.person("U0DEV").types("C0INCIDENT", "/redis")).acked
        assert [delivery.socket for delivery in slack.deliveries] == [1, 2, 1, 2]
        assert len(slack.messages("C0INCIDENT")) == 4


async def test_without_a_connection_the_person_is_told(slack: LocalSlack) -> None:
    answer = await slack.person("U0DEV").types("C0INCIDENT", "/redis")
    assert answer.error == "dispatch_failed"
    assert slack.messages("C0INCIDENT", viewer="U0DEV")[-1].text == '/redis failed with the error "dispatch_failed"'


async def test_a_refresh_makes_the_client_reconnect(slack: LocalSlack) -> None:
    async with over_sockets(slack, acking_app(slack)):
        slack.faults.refresh_disconnect()
        await slack.waits_for(lambda: [each.number for each in slack.sockets.connections] == [2])
        assert (await slack.person("U0DEV").types("C0INCIDENT", "/redis")).acked


async def test_a_dead_socket_times_out_and_the_client_notices(slack: LocalSlack) -> None:
    slack.courier.ack_seconds = 0.3
    async with over_sockets(slack, acking_app(slack), ping_interval=0.2):
        slack.faults.dead_sockets(True)
        answer = await slack.person("U0DEV").types("C0INCIDENT", "/redis")
        assert answer.error == "operation_timeout"
        await slack.waits_for(lambda: sum(call.method == "apps.connections.open" for call in slack.calls) > 1)

        slack.faults.dead_sockets(False)
        slack.courier.ack_seconds = 3.0
        async with asyncio.timeout(90):
            while not (await slack.person("U0DEV").types("C0INCIDENT", "/redis")).acked:
                await asyncio.sleep(0.2)  # The client waits between two attempts to connect.


async def test_a_connection_that_is_made_while_dead_hears_nothing(slack: LocalSlack) -> None:
    slack.faults.dead_sockets(True)
    async with aiohttp.ClientSession() as session, session.ws_connect(await link(slack), autoping=False) as socket:
        await socket.ping(b"anybody?")
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.3)


async def test_http_requests_are_signed(slack: LocalSlack) -> None:
    app = acking_app(slack)
    seen = []

    @app.middleware
    async def look(req, next):  # noqa: A002 - Bolt injects by this name
        seen.append((req.raw_body, {name: values[0] for name, values in req.headers.items()}))
        await next()

    async with over_http(slack, app):
        assert (await slack.person("U0DEV").types("C0INCIDENT", "/redis health & <safe>")).acked
    ((body, headers),) = seen
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers)
    assert not SignatureVerifier("another").is_valid_request(body, headers)


async def test_a_wrong_signing_secret_is_a_failed_dispatch(slack: LocalSlack) -> None:
    app = acking_app(slack)
    slack.courier.signing_secret = "another"
    async with over_http(slack, app):
        assert (await slack.person("U0DEV").types("C0INCIDENT", "/redis")).error == "dispatch_failed"
