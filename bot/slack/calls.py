"""Sees every call to Slack's Web API on the wire, each attempt by itself: which method, and what came of it.

It watches the shared HTTP session: Bolt makes clients of its own for each request, but none without that session.
"""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Protocol

from aiohttp import (
    ClientSession,
    TraceConfig,
    TraceRequestEndParams,
    TraceRequestExceptionParams,
    TraceRequestStartParams,
    TraceResponseChunkReceivedParams,
)

OK, REFUSED, LIMITED, FAILED, UNANSWERED = "ok", "refused", "ratelimited", "failed", "unanswered"
"""What can come of a call: done; Slack says no; not now; an answer that is none of Slack's; no answer at all."""
_METHOD = re.compile(r"[a-z]+(?:\.[a-zA-Z]+){1,3}")
_BEGINS = re.compile(rb'\s*\{\s*"ok"\s*:\s*(true|false)\b')


class CallWatcher(Protocol):
    """Is told of every call."""

    def called(self, method: str, outcome: str, seconds: float) -> None:
        """A call is over; ``outcome`` is one of the words above."""

    def limited(self, method: str, wait_s: float) -> None:
        """Slack wants to be asked again only after so many seconds."""


class _Trace:
    """The same for all calls; what belongs to one is in its ``context``."""

    def __init__(self, watcher: CallWatcher) -> None:
        self._watcher = watcher

    async def begins(self, _: ClientSession, context: SimpleNamespace, params: TraceRequestStartParams) -> None:
        name = params.url.name
        context.method = name if _METHOD.fullmatch(name) else "other"  # Never a part of somebody's secret address.
        context.since = time.monotonic()

    async def is_answered(self, _: ClientSession, context: SimpleNamespace, params: TraceRequestEndParams) -> None:
        """Only its head is there. With status 200 it says in its body whether it was done."""
        context.status = params.response.status
        if context.status == 429:
            self._over(context, LIMITED)
            given = params.response.headers.get("Retry-After", "")
            self._watcher.limited(context.method, float(given) if given.isdigit() else 0.0)
        elif context.status != 200:
            self._over(context, FAILED)

    async def is_read(
        self, _: ClientSession, context: SimpleNamespace, params: TraceResponseChunkReceivedParams
    ) -> None:
        if context.status == 200:
            self._over(context, _outcome(params.chunk))

    async def has_failed(self, _: ClientSession, context: SimpleNamespace, _e: TraceRequestExceptionParams) -> None:
        self._over(context, UNANSWERED)

    def _over(self, context: SimpleNamespace, outcome: str) -> None:
        self._watcher.called(context.method, outcome, time.monotonic() - context.since)


def traced(watcher: CallWatcher) -> TraceConfig:
    """What a session has to be made with, for the watcher to be told of its calls."""
    config, trace = TraceConfig(), _Trace(watcher)
    config.on_request_start.append(trace.begins)
    config.on_request_end.append(trace.is_answered)
    config.on_response_chunk_received.append(trace.is_read)
    config.on_request_exception.append(trace.has_failed)
    return config


def _outcome(body: bytes) -> str:
    """What an answer says: Slack says it first, so that mostly nothing has to be read twice."""
    if body.startswith(b"OK"):  # So the bytes of a file are answered.
        return OK
    begins = _BEGINS.match(body)
    if begins is not None:
        return OK if begins[1] == b"true" else REFUSED
    try:
        answer = json.loads(body)
    except ValueError:
        return FAILED
    told = answer.get("ok") if isinstance(answer, dict) else None
    return OK if told is True else REFUSED if told is False else FAILED
