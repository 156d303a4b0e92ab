"""Makes the Web API client: one shared session, rate limits waited for, nothing posted twice by a retry."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import ClientSession, ClientTimeout, TCPConnector, TraceConfig
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

_NOT_TWICE = ("chat.postMessage", "chat.postEphemeral", "views.open", "views.push", "files.completeUploadExternal")
TIMEOUT_S = 10
UNKNOWN = "unknown_error"
BROKEN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", UNKNOWN})
"""Slack failed, or somebody answered in its place; perhaps after the call was carried out."""
CONNECTIONS = 50


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in the workspace. Source: auth.test."""

    team_id: str
    user_id: str
    bot_id: str
    name: str


class _ConnectionRetry(AsyncConnectionErrorRetryHandler):
    """Retry after a broken connection, unless the call may have been carried out and would show twice."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if str(request.url).partition("?")[0].rsplit("/", 1)[-1] in _NOT_TWICE:
            return False
        return await super()._can_retry_async(state=state, request=request, response=response, error=error)


def new_session(*traces: TraceConfig) -> ClientSession:
    """The one session. The time-out has to be here: the SDK ignores its own for a session that it is given."""
    timeout, connector = ClientTimeout(total=TIMEOUT_S), TCPConnector(limit=CONNECTIONS)
    return ClientSession(timeout=timeout, connector=connector, trace_configs=list(traces))


def web_client(session: ClientSession, api_url: str, token: str | None) -> AsyncWebClient:
    """A client on the shared session; without a token for Bolt, which gets it with each request."""
    handlers: list[AsyncRetryHandler] = [_ConnectionRetry(), AsyncRateLimitErrorRetryHandler(max_retry_count=3)]
    return AsyncWebClient(token=token, base_url=api_url, session=session, retry_handlers=handlers)


def plain_client(session: ClientSession, api_url: str, token: str) -> AsyncWebClient:
    """A client for the outbox, which tries again by itself: each call is made once."""
    return AsyncWebClient(token=token, base_url=api_url, session=session, retry_handlers=[])


class Introduction:
    """Asks Slack once who we are, as soon as somebody wants to know."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: Identity | None = None
        self._turn = asyncio.Lock()

    async def identity(self) -> Identity:
        """Who we are.

        Raises:
            SlackApiError: the token is not accepted.
            OSError: Slack cannot be reached; so do ``aiohttp.ClientError`` and ``TimeoutError``.
        """
        async with self._turn:
            if self._known is None:
                answer = await self._client.auth_test()
                told = [str(answer.get(key) or "") for key in ("team_id", "user_id", "bot_id", "user")]
                self._known = Identity(*told)
            return self._known


def code_of(error: BaseException) -> str:
    """Slack's own error code, such as ``is_archived``; for other errors their type's name."""
    if not isinstance(error, SlackApiError):
        return type(error).__name__
    data = getattr(error.response, "data", None)  # What stands between us and Slack may answer anything.
    return str((data.get("error") if isinstance(data, dict) else None) or UNKNOWN)


def is_silence(error: BaseException) -> bool:
    """Whether Slack has said nothing about what was asked: no answer, one of a proxy, or that it cannot now."""
    return not isinstance(error, SlackApiError) or code_of(error) in BROKEN | {"ratelimited"}
