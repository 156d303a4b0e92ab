"""What becomes of each call to Slack is told from the wire: by method, and never by what it was about."""

import socket

import aiohttp
import pytest
from aiohttp import web

from bot.slack.calls import FAILED, LIMITED, OK, REFUSED, UNANSWERED, traced

PLAIN = {"Content-Type": "application/json"}
ANSWERS = {
    "chat.postMessage": (web.Response, {"text": '{"ok":true,"ts":"1"}', "headers": PLAIN}, OK),
    "chat.update": (web.Response, {"text": '{ "ok" : false, "error": "x"}', "headers": PLAIN}, REFUSED),
    "users.info": (web.Response, {"text": '{"user": {"ok": false}, "ok": true}', "headers": PLAIN}, OK),
    "views.open": (web.Response, {"text": "[1]", "headers": PLAIN}, FAILED),
    "auth.test": (web.Response, {"text": "<html>", "headers": PLAIN}, FAILED),
    "upload.v": (web.Response, {"text": "OK - 12", "headers": PLAIN}, OK),
    "apps.connections.open": (web.Response, {"status": 502}, FAILED),
    "conversations.history": (web.Response, {"status": 429, "headers": {"Retry-After": "7"}}, LIMITED),
}


class Watcher:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.waits: list[tuple[str, float]] = []

    def called(self, method: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.calls.append((method, outcome))

    def limited(self, method: str, wait_s: float) -> None:
        self.waits.append((method, wait_s))


async def test_each_call_has_one_outcome() -> None:
    async def answer(request: web.Request) -> web.Response:
        make, words, _ = ANSWERS[request.path.rsplit("/", 1)[1]]
        return make(**words)

    watcher, runner = Watcher(), web.AppRunner(site := web.Application())
    site.router.add_post("/api/{method}", answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    async with aiohttp.ClientSession(trace_configs=[traced(watcher)]) as session:
        for method in ANSWERS:
            async with session.post(url + method) as got:
                await got.read()
                await got.read()
        await runner.cleanup()
        with pytest.raises(aiohttp.ClientError):
            await session.post(url + "chat.delete")
        with pytest.raises(aiohttp.ClientError):
            await session.post(url + "T0SECRET/B0SECRET/s3cr3t")
    told = {method: outcome for method, (_, _, outcome) in ANSWERS.items()}
    assert watcher.calls == [*told.items(), ("chat.delete", UNANSWERED), ("other", UNANSWERED)]
    assert watcher.waits == [("conversations.history", 7.0)]


async def test_a_call_that_takes_too_long_was_not_answered() -> None:
    watcher = Watcher()
    limit = aiohttp.ClientTimeout(total=0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/chat.update"
        async with aiohttp.ClientSession(trace_configs=[traced(watcher)], timeout=limit) as session:
            with pytest.raises(TimeoutError):
                await session.post(url)
    assert watcher.calls == [("chat.update", UNANSWERED)]
