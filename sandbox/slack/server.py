"""The local Slack as one object: world, Web API, connections, people, faults and page, started and stopped together."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.slack import api_chat, api_directory, api_files, api_history, api_views, responses
from sandbox.slack.browser import Browser, DemoButton
from sandbox.slack.deliver import Courier, Delivery
from sandbox.slack.faults import Faults
from sandbox.slack.interact import Screen
from sandbox.slack.manifest import read_manifest
from sandbox.slack.messages import Message
from sandbox.slack.people import Person
from sandbox.slack.sockets import Sockets
from sandbox.slack.state import BOT_USER, SLACKBOT, TEAM, Channel, User, UserGroup, World
from sandbox.slack.transcript import transcript
from sandbox.slack.waiting import Found, waits_for
from sandbox.slack.webapi import Call, Method, WebApi, auth_test

METHODS = {
    "auth.test": Method(auth_test),
    **api_chat.METHODS,
    **api_directory.METHODS,
    **api_files.METHODS,
    **api_history.METHODS,
    **api_views.METHODS,
}
MAX_UPLOAD = 32 * 1024 * 1024


@dataclass(frozen=True)
class Secrets:
    """The app's tokens and signing secret; made anew for each local Slack unless somebody has to know them before."""

    bot_token: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(16)}")
    app_token: str = field(default_factory=lambda: f"xapp-1-{secrets.token_hex(16)}")
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))


class LocalSlack:
    """A Slack workspace on this machine, with the default people and channels; an async context manager.

    `port` 0 takes a free port. `public_url` is how the app reaches it, where that is not host and port.
    """

    def __init__(
        self,
        manifest_path: str | Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        public_url: str | None = None,
        credentials: Secrets | None = None,
    ) -> None:
        made = credentials or Secrets()
        self.bot_token, self.app_token, self.signing_secret = made.bot_token, made.app_token, made.signing_secret
        self.bot_user_id = BOT_USER
        self._host, self._port, self._public_url = host, port, public_url
        self.world = World(read_manifest(Path(manifest_path)))
        self.sockets = Sockets()
        self.faults = Faults(self.world, self.sockets)
        self.sockets.takes_ack, self.sockets.on_change = self.faults.takes_ack, self.world.changed
        self.courier = Courier(self.world, self.sockets, self.faults, self.signing_secret)
        self.screen = Screen(self.world, self.courier)
        self.webapi = WebApi(self.world, self.sockets, self.faults, self.bot_token, self.app_token, METHODS)
        self.browser = Browser(self.world, self.screen)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._fill()

    def _fill(self) -> None:
        self.add_user(BOT_USER, self.world.manifest.bot_name, is_bot=True)
        self.add_user(SLACKBOT, "slackbot")
        for user_id, name in (("U0ONCALL", "oncall"), ("U0LEAD", "lead"), ("U0SECOND", "second"), ("U0DEV", "dev")):
            self.add_user(user_id, name)
        self.add_user("U0GUEST", "guest", is_restricted=True)
        self.set_usergroup("S0REDISOPS", "redis-ops", ("U0ONCALL", "U0LEAD", "U0SECOND"))
        everybody = ("U0ONCALL", "U0LEAD", "U0SECOND", "U0DEV", "U0GUEST")
        self.add_channel("C0INCIDENT", "incident-redis", members=everybody)
        self.add_channel("C0GENERAL", "general", members=everybody, bot_is_member=False)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_UPLOAD)
        app.router.add_route("*", "/api/{method}", self.webapi.serve)
        app.router.add_get("/link/", self.sockets.serve)
        app.router.add_post("/{kind:commands|actions}/{team}/{number}/{key}", self._respond)
        app.router.add_post("/upload/v1/{file}", self._upload)
        app.router.add_get("/files/{file}/{name}", self._download)
        self.browser.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self.switch_on()
        reachable = "127.0.0.1" if self._host == "0.0.0.0" else self._host
        self.world.base_url = (self._public_url or f"http://{reachable}:{self._port}").rstrip("/") + "/"
        return self

    async def switch_on(self) -> None:
        """Let it be reached again, where it was before."""
        if self._runner is not None:
            self._site = web.TCPSite(self._runner, self._host, self._port)
            await self._site.start()
            self._port = int(self._runner.addresses[-1][1])

    async def switch_off(self) -> None:
        """Break every connection and take none, as if the network to Slack were gone; the world stays as it is."""
        if self._site is None or self._runner is None or self._runner.server is None:
            return
        await self._site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.browser.close()
        await self.courier.close()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _respond(self, request: web.Request) -> web.Response:
        return await responses.serve(self.world, request)

    async def _upload(self, request: web.Request) -> web.Response:
        return await api_files.upload(self.world, request)

    async def _download(self, request: web.Request) -> web.Response:
        return await api_files.download(self.world, request)

    @property
    def page_url(self) -> str:
        """Where the browser page is."""
        return self.world.base_url

    @property
    def api_url(self) -> str:
        """What the SDK takes as its base_url."""
        return f"{self.world.base_url}api/"

    @property
    def request_url(self) -> str | None:
        """Where to deliver by signed HTTP; None delivers over Socket Mode."""
        return self.courier.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.courier.request_url = url

    @property
    def calls(self) -> list[Call]:
        """Each Web API call, in order."""
        return self.webapi.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """Each envelope or request to the app, in order of its end."""
        return self.courier.deliveries

    @property
    def broadcast_mentions(self) -> list[tuple[str, str, str]]:
        """Each <!channel>, <!here> or <!everyone> that the bot or a person posted, as (channel, ts, mention)."""
        return self.world.broadcast_mentions

    @property
    def connections(self) -> int:
        """How many Socket Mode connections are open."""
        return len(self.sockets.connections)

    @property
    def demo_buttons(self) -> list[DemoButton]:
        """The buttons of the page's side panel; append to it or replace it."""
        return self.browser.buttons

    @demo_buttons.setter
    def demo_buttons(self, buttons: Iterable[DemoButton]) -> None:
        self.browser.buttons = list(buttons)
        self.world.changed()

    @property
    def demo_status(self) -> str:
        """The state line of the side panel."""
        return self.browser.status

    @demo_status.setter
    def demo_status(self, status: str) -> None:
        self.browser.status = status
        self.world.changed()

    def person(self, user_id: str) -> Person:
        """Return the person with this id, to act as; raises KeyError for an unknown one."""
        return Person(self.world.users[user_id].id, self.world, self.screen)

    def add_user(  # noqa: PLR0913 - one flag for each kind of account that Slack knows
        self,
        user_id: str,
        name: str,
        *,
        is_bot: bool = False,
        deleted: bool = False,
        is_restricted: bool = False,
        is_ultra_restricted: bool = False,
        is_stranger: bool = False,
        team_id: str | None = None,
    ) -> Person:
        """Add a person or a bot to the workspace."""
        user = User(user_id, name, is_bot, deleted, is_restricted, is_ultra_restricted, is_stranger, team_id or TEAM)
        self.world.users[user_id] = user
        self.world.changed()
        return self.person(user_id)

    def add_channel(
        self, channel_id: str, name: str, members: Iterable[str] = (), *, bot_is_member: bool = True
    ) -> None:
        """Add a channel with these members."""
        self.world.channels[channel_id] = Channel(channel_id, name, set(members), bot_is_member)
        self.world.changed()

    def set_usergroup(self, group_id: str, handle: str, users: Sequence[str]) -> None:
        """Create a user group, or replace its members."""
        self.world.usergroups[group_id] = UserGroup(group_id, handle, list(users))
        self.world.changed()

    def messages(self, channel: str, viewer: str | None = None, thread_ts: str | None = None) -> list[Message]:
        """Return the messages of a channel, oldest first, without deleted ones.

        With `viewer` only what this person sees, else everything, ephemeral messages included. With `thread_ts` the
        replies of that thread, else the channel itself without any replies.
        """
        return [post.frozen() for post in self.world.visible(channel, viewer) if post.replies_to == thread_ts]

    def message(self, channel: str, ts: str) -> Message:
        """Return one message as it is now, a deleted one too; raises LookupError where there never was one."""
        post = self.world.find(channel, ts)
        if post is None:
            raise LookupError(f"There is no message {ts} in {channel}.")
        return post.frozen()

    async def waits_for(self, predicate: Callable[[], Found], within: float = 60.0) -> Found:
        """Return the predicate's first truthy value; raises AssertionError with a transcript when time is up."""
        return await waits_for(self.world, predicate, within, "what the test waits for")

    def transcript(self, channel: str) -> str:
        """Return a channel as readable text."""
        return transcript(self.world, channel)
