"""The HTTP side: liveness, readiness and, without Socket Mode, Slack's signed requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

WhyNotReady = Callable[[], Awaitable[str | None]]

EVENTS_PATH = "/slack/events"


def add_health(routes: web.UrlDispatcher, why_not_ready: WhyNotReady) -> None:
    """Add ``/healthz``, which answers while the process lives, and ``/readyz``, which says whether Slack reaches us.

    Args:
        routes: where to add them.
        why_not_ready: ``None`` when ready, else a sentence for the answer 503.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        why = await why_not_ready()
        return web.Response(text="ready\n") if why is None else web.Response(status=503, text=f"{why}\n")

    routes.add_get("/healthz", healthz)
    routes.add_get("/readyz", readyz)


def add_events(routes: web.UrlDispatcher, bolt: Callable[[], AsyncApp | None]) -> None:
    """Add ``POST /slack/events``; Bolt checks the signature and its age. 503 until there is an app."""

    async def events(request: web.Request) -> web.Response:
        app = bolt()
        if app is None:
            return web.Response(status=503, text="starting\n")
        answer = await app.async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(answer)

    routes.add_post(EVENTS_PATH, events)
