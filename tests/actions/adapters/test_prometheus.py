"""A Prometheus that is away, hangs, refuses, or is none: told plainly, and sampled instead, which is said."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import encode_basic_auth, web

from actions import chart
from actions.adapters import TargetHands, connect
from actions.adapters import prometheus as adapter
from actions.adapters.prometheus import PrometheusApi
from actions.kit.charting import Source
from actions.kit.errors import ActionError, UsageError
from actions.kit.prometheus_place import PrometheusPlace
from actions.kit.topology import Address, Credentials, Kind, Target

LABELS = (("group", "orders"),)
NOTHING = {"status": "success", "data": {"resultType": "matrix", "result": []}}


@asynccontextmanager
async def answering(handler):
    runner = web.AppRunner(site := web.Application())
    site.router.add_get("/prom/api/v1/query_range", handler)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/prom"
    finally:
        await runner.cleanup()


async def asked(url, **more):
    return await PrometheusApi(PrometheusPlace(url, LABELS, **more)).matrix("up", 1.0, 2.0, 1.0)


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (401, "", "does not let Tandem in: it answered with 401"),
        (422, '{"status": "error", "error": "too many samples"}', "refused the question: too many samples"),
        (200, "<html>sign in</html>", "is no Prometheus: it answered with no JSON"),
        (503, "<html>away</html>", "answered with 503"),
        (500, "{}", "answered with 500"),
        (200, "[]", "is not what its API answers"),
        (200, "x" * 300, "has more to tell than can be drawn; ask for less with --since"),
    ],
)
async def test_what_is_no_answer_is_said(monkeypatch, status, text, said):
    monkeypatch.setattr(adapter, "MOST_BYTES", 200)

    async def handler(_request):
        return web.Response(status=status, text=text)

    async with answering(handler) as url:
        with pytest.raises(ActionError, match=said):
            await asked(url)


async def test_who_asks_is_told_and_for_what(monkeypatch):
    seen = []

    async def handler(request):
        seen.append((request.headers.get("Authorization"), dict(request.query)))
        return web.json_response(NOTHING)

    async with answering(handler) as url:
        assert await asked(url) == ()
        await asked(url, token="t0ken")
        await asked(url, auth=Credentials("me", "päss"))
    assert [who for who, _ in seen] == [None, "Bearer t0ken", encode_basic_auth("me", "päss")]
    assert seen[0][1] == {"query": "up", "start": "1.000", "end": "2.000", "step": "1"}


async def test_one_that_hangs_is_not_waited_for_and_one_that_is_away_is_said_to_be(monkeypatch):
    monkeypatch.setattr(adapter, "TIMEOUT_S", 0.3)
    ended = asyncio.Event()

    async def handler(_request):
        await ended.wait()

    async with answering(handler) as url:
        with pytest.raises(ActionError, match=r"gave no answer within 0.3 s\."):
            await asked(url)
        ended.set()
    monkeypatch.setattr(adapter, "TIMEOUT_S", 60)
    with pytest.raises(
        ActionError, match=r"Prometheus at http://127.0.0.1:1 does not answer: the connection was refused"
    ):
        await asked("http://127.0.0.1:1")


class Hurried(TargetHands):
    """A second is over at once."""

    seconds = 0.0

    def now(self):
        return self.seconds

    async def sleep(self, seconds):
        self.seconds += seconds


def target(url):
    node = Address("127.0.0.1", 1)
    return Target("orders", Kind.REPLICATION, nodes=(node,), prometheus=url and PrometheusPlace(url, LABELS))


async def test_where_it_tells_nothing_the_servers_are_sampled_and_that_is_said(progress):
    async def handler(_request):
        return web.json_response(NOTHING)

    async with answering(handler) as url:
        hands = Hurried(target(url))
        seen = await chart.ACTION.look(hands, {}, progress)
        sampled = await chart.ACTION.look(hands, {"for": "2s"}, progress)
        await hands.aclose()
    assert seen.chart.source is Source.SAMPLING
    said = 'Prometheus has no metrics of redis_exporter with the labels {group="orders"} in that time.'
    assert seen.chart.notes == (f"{said} Tandem samples instead.",)
    assert progress.said[0] == f"{seen.chart.notes[0]} Sampling orders once a second for 30 s."
    assert sampled.chart.notes == ()


async def test_what_is_asked_of_nobody_or_of_two_is_not_begun(progress):
    hands = connect(target(None))
    for options, said in (
        ({"since": "1h"}, "there is no prometheus block in targets.yaml. Sample with --for 30s"),
        ({"since": "1h", "for": "5s"}, "--since asks Prometheus and --for samples; keep one"),
    ):
        with pytest.raises(UsageError, match=said):
            await chart.ACTION.look(hands, options, progress)
    with pytest.raises(ActionError, match="orders has no prometheus block"):
        _ = hands.prometheus
    with pytest.raises(UsageError, match="such as 90m"):
        chart.check({"since": "soon"}, known=True)
