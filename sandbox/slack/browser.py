"""The page's side of the local Slack: its files, a live stream of what one person sees, and what that person does."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from aiohttp import web

from sandbox.slack.deliver import Answer
from sandbox.slack.interact import Screen
from sandbox.slack.messages import Json, elements_of
from sandbox.slack.seen import seen_by
from sandbox.slack.state import World
from sandbox.slack.views import OpenView

CONTENT_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
SECURITY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
QUIET_SECONDS = 15.0
# Several changes within one frame become one picture.
COALESCE_SECONDS = 0.03


@dataclass(frozen=True)
class DemoButton:
    """A button of the side panel; `press` returns the line that is shown when it is done, or None."""

    id: str
    label: str
    help: str
    press: Callable[[], Awaitable[str | None]]
    group: str = "Break things"


@dataclass
class Browser:
    """Serves the page to any number of browser windows."""

    world: World
    screen: Screen
    buttons: list[DemoButton] = field(default_factory=list)
    status: str = ""
    results: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    _closing: bool = False

    def add_routes(self, app: web.Application) -> None:
        """Add the page's addresses to the server."""
        app.router.add_get("/", self._index)
        app.router.add_get("/page/{name}", self._file)
        app.router.add_get("/local/stream", self._stream)
        app.router.add_post("/local/act", self._act)
        app.router.add_get("/archives/{channel}/p{ts}", self._permalink)

    async def close(self) -> None:
        """End the streams, so that the server can stop."""
        self._closing = True
        self.world.changed()
        await asyncio.sleep(0)

    async def _index(self, _: web.Request) -> web.Response:
        return _page_file("index.html")

    async def _file(self, request: web.Request) -> web.Response:
        return _page_file(request.match_info["name"])

    async def _permalink(self, request: web.Request) -> web.Response:
        channel, digits = request.match_info["channel"], request.match_info["ts"]
        raise web.HTTPFound(f"/?channel={channel}&message={digits[:-6]}.{digits[-6:]}")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        viewer = request.query.get("as", "")
        if viewer not in self.world.users:
            raise web.HTTPNotFound(text="no such person")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        shown = ""
        with suppress(ConnectionError):
            while not self._closing:
                version = self.world.version
                picture = json.dumps({**seen_by(self.world, viewer), "demo": self._panel()})
                # A comment keeps the connection alive and finds out that the window is gone.
                await response.write((f"data: {picture}\n\n" if picture != shown else ": quiet\n\n").encode())
                shown = picture
                await self.world.wait_change(QUIET_SECONDS, since=version)
                await asyncio.sleep(COALESCE_SECONDS)
        return response

    def _panel(self) -> Json:
        buttons = [
            {
                "id": button.id,
                "label": button.label,
                "help": button.help,
                "group": button.group,
                "result": self.results.get(button.id, ""),
                "running": button.id in self.running,
            }
            for button in self.buttons
        ]
        return {"status": self.status, "buttons": buttons}

    async def _act(self, request: web.Request) -> web.Response:
        # Only a script of this page can send JSON here: another site would first have to ask, and is not answered.
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        act = await request.json()
        if act.get("as") not in self.world.users:
            raise web.HTTPNotFound(text="no such person")
        try:
            answer = await self._do(str(act["as"]), act)
        except AssertionError as refused:
            answer = Answer("refused", 0.0, str(refused))
        return web.json_response({"ok": answer.acked, "error": answer.error, "text": answer.text})

    async def _do(self, user: str, act: Json) -> Answer:
        match act["do"]:
            case "type":
                return await self.screen.type(user, act["channel"], act["text"], act.get("thread_ts"))
            case "click":
                return await self._click(user, act)
            case "submit":
                return await self.screen.submit(user, self._view(user, act), act["values"])
            case "close":
                return await self.screen.close(user, self._view(user, act))
            case "home":
                return await self.screen.open_home(user)
            case "demo":
                return await self._press(act["id"])
            case unknown:
                raise AssertionError(f"Nobody can do {unknown!r} here.")

    async def _click(self, user: str, act: Json) -> Answer:
        if "view" in act:
            view = self._view(user, act)
            block, element = _control(view.blocks, act)
            return await self.screen.click_in_view(user, view, block, element, act.get("choice"))
        post = self.world.find(act["channel"], act["ts"])
        if post is None or post.deleted:
            raise AssertionError("This message has been deleted.")
        message = post.frozen()
        block, element = _control(message.blocks, act)
        return await self.screen.click(user, message, block, element, act.get("choice"))

    def _view(self, user: str, act: Json) -> OpenView:
        view = self.world.view(str(act["view"]))
        if view is None or view.user != user:
            raise AssertionError("This view is no longer open.")
        return view

    async def _press(self, button_id: str) -> Answer:
        button = next((each for each in self.buttons if each.id == button_id), None)
        if button is None or button_id in self.running:
            raise AssertionError("This is running already.")
        self.running.add(button_id)
        self.results[button_id] = ""
        self.world.changed()
        try:
            self.results[button_id] = await button.press() or "Done."
        except Exception as failed:  # noqa: BLE001 - whatever a demo button raises is shown beside it
            self.results[button_id] = f"Failed: {failed}"
        finally:
            self.running.discard(button_id)
            self.world.changed()
        return Answer(None, 0.0)


def _control(blocks: Any, act: Json) -> tuple[Json, Json]:
    wanted = (act["block_id"], act["action_id"])
    for block, element in elements_of(blocks):
        if (block["block_id"], element.get("action_id")) == wanted:
            return block, element
    raise AssertionError("This button is no longer there.")


def _page_file(name: str) -> web.Response:
    kind = CONTENT_TYPES.get(name[name.rfind(".") :])
    file = resources.files("sandbox.slack").joinpath("page", name)
    if kind is None or "/" in name or not file.is_file():
        raise web.HTTPNotFound
    headers = {"Content-Security-Policy": SECURITY, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.Response(text=file.read_text("utf-8"), content_type=kind, charset="utf-8", headers=headers)
