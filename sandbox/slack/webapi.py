"""The Web API's front: reads a call in any of Slack's encodings, checks token and scopes, runs and records it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sandbox.slack.faults import CallFault, Faults
from sandbox.slack.messages import Json
from sandbox.slack.posting import SlackError
from sandbox.slack.sockets import Sockets
from sandbox.slack.state import APP_ID, BOT_ID, BOT_USER, TEAM, World

Arguments = Mapping[str, Any]
Handler = Callable[[World, Arguments], Json]


@dataclass(frozen=True)
class Method:
    """One Web API method: any one of these scopes lets the bot call it; no scopes means every token may."""

    run: Handler
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One call as it was answered: `error` is None for ok, `at` is time.monotonic()."""

    method: str
    args: Json
    error: str | None
    at: float


@dataclass
class WebApi:
    """Answers `/api/<method>` for the two tokens of the app."""

    world: World
    sockets: Sockets
    faults: Faults
    bot_token: str
    app_token: str
    methods: Mapping[str, Method]
    calls: list[Call] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        """Handle one call."""
        name = request.match_info["method"]
        args = await _arguments(request)
        token = _token(request, args)
        await self.faults.call_waits(name)
        fault = self.faults.next_call_fault(name)
        if fault is not None and fault.retry_after is not None:
            self._record(name, args, fault.error)
            headers = {"Retry-After": str(fault.retry_after)}
            return web.json_response({"ok": False, "error": fault.error}, status=429, headers=headers)
        try:
            answer = {"ok": True, **self._run(name, args, token, fault)}
        except SlackError as refused:
            answer = _refusal(refused)
        self._record(name, args, answer.get("error"))
        if self.faults.loses_answer(name) and request.transport is not None:
            request.transport.abort()
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(self.world.manifest.scopes)})

    def _run(self, name: str, args: Json, token: str, fault: CallFault | None) -> Json:
        if fault is not None:
            raise SlackError(fault.error)
        if not token:
            raise SlackError("not_authed")
        if token not in {self.bot_token, self.app_token}:
            raise SlackError("invalid_auth")
        if (name == "apps.connections.open") != (token == self.app_token):
            raise SlackError("not_allowed_token_type")
        if name == "apps.connections.open":
            base = self.world.base_url.replace("http", "ws", 1)
            return {"url": f"{base}link/?ticket={self.sockets.new_ticket()}&app_id={APP_ID}"}
        if name not in self.methods:
            raise SlackError("unknown_method", req_method=name)
        method, granted = self.methods[name], self.world.manifest.scopes
        if method.scopes and not set(method.scopes) & set(granted):
            raise SlackError("missing_scope", needed=",".join(method.scopes), provided=",".join(granted))
        return method.run(self.world, args)

    def _record(self, name: str, args: Json, error: str | None) -> None:
        self.calls.append(Call(name, args, error, time.monotonic()))
        self.world.changed()


def auth_test(world: World, _: Arguments) -> Json:
    """Answer auth.test for the bot."""
    return {
        "url": world.base_url,
        "team": "Local",
        "user": world.manifest.bot_name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


async def _arguments(request: web.Request) -> Json:
    """Return the call's arguments from the query and the body; JSON inside of a form is parsed."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except json.JSONDecodeError:
            body = {}
        args |= body if isinstance(body, dict) else {}
    elif request.can_read_body:
        args |= dict(await request.post())
    return {key: _parsed(key, value) for key, value in args.items()}


def _parsed(key: str, value: Any) -> Any:
    if key in {"blocks", "view", "files", "attachments", "metadata"} and isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _token(request: web.Request, args: Json) -> str:
    given = str(args.pop("token", ""))
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ").strip() or given


def _refusal(refused: SlackError) -> Json:
    answer: Json = {"ok": False, "error": refused.error, **refused.extra}
    if refused.messages:
        answer["errors"] = [message.removeprefix("[ERROR] ") for message in refused.messages]
        answer["response_metadata"] = {"messages": list(refused.messages)}
    return answer
