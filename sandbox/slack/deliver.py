"""Brings commands, clicks and events to the app, over Socket Mode or signed HTTP, and records how each one went."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.faults import Faults
from sandbox.slack.messages import Json
from sandbox.slack.sockets import Sockets
from sandbox.slack.state import World

Kind = Literal["slash_commands", "interactive", "events_api"]


@dataclass(frozen=True)
class Delivery:
    """How one envelope went.

    `what` names it (the command's text, an action id, an event type), `latency` is seconds from sending to the ack,
    `error` is None where it was acked, else "operation_timeout" or "dispatch_failed"; `socket` is the number of the
    connection that took it, 0 for HTTP and where there was none; `retry` counts from 0.
    """

    kind: Kind
    what: str
    user: str
    error: str | None
    latency: float
    socket: int
    retry: int


@dataclass(frozen=True)
class Answer:
    """What a person gets back at once.

    `error` is None where the app acked in time; `text` is what Slack or the ack shows; `payload` is the ack's own.
    """

    error: str | None
    latency: float
    text: str = ""
    payload: Json = field(default_factory=dict)

    @property
    def acked(self) -> bool:
        """Whether the app answered in time."""
        return self.error is None


@dataclass
class Courier:
    """Delivers. With `request_url` set it signs HTTP requests, otherwise it uses the open connections."""

    world: World
    sockets: Sockets
    faults: Faults
    signing_secret: str
    request_url: str | None = None
    ack_seconds: float = 3.0
    event_retry_seconds: tuple[float, ...] = (0.5, 60.0, 300.0)
    deliveries: list[Delivery] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None
    _retries: set[asyncio.Task[None]] = field(default_factory=set)

    async def deliver(self, kind: Kind, payload: Json, *, what: str, user: str, retry: int = 0) -> Answer:
        """Deliver once and return the app's answer; never raises for what the app does."""
        start, socket, error, answer = time.monotonic(), 0, None, Json()
        try:
            socket, answer = await self._send(kind, payload, retry)
        except TimeoutError as late:
            error = "operation_timeout"
            socket = late.args[0] if late.args and isinstance(late.args[0], int) else 0
        except (ConnectionError, aiohttp.ClientError, json.JSONDecodeError):
            error = "dispatch_failed"
        latency = time.monotonic() - start
        self.deliveries.append(Delivery(kind, what, user, error, latency, socket, retry))
        self.world.changed()
        return Answer(error, latency, str(answer.get("text", "")), answer)

    async def deliver_event(self, payload: Json, *, what: str, user: str) -> Answer:
        """Deliver an event; where it is not acked, try up to 3 times more in the background."""
        answer = await self.deliver("events_api", payload, what=what, user=user)
        if self.faults.takes_repeat():
            await self.deliver("events_api", payload, what=what, user=user, retry=1)
        elif not answer.acked:
            task = asyncio.get_running_loop().create_task(self._try_again(payload, what, user))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)
        return answer

    async def _try_again(self, payload: Json, what: str, user: str) -> None:
        for attempt, pause in enumerate(self.event_retry_seconds, start=1):
            await asyncio.sleep(pause)
            answer = await self.deliver("events_api", payload, what=what, user=user, retry=attempt)
            if answer.acked:
                return

    async def _send(self, kind: Kind, payload: Json, retry: int) -> tuple[int, Json]:
        if self.request_url is None:
            accepts = kind != "events_api"
            return await self.sockets.send(kind, payload, accepts=accepts, within=self.ack_seconds, retry=retry)
        return 0, await self._send_http(self.request_url, kind, payload, retry)

    async def _send_http(self, url: str, kind: Kind, payload: Json, retry: int) -> Json:
        body, content_type = _http_body(kind, payload)
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0", **self._signature(body)}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        timeout = aiohttp.ClientTimeout(total=self.ack_seconds)
        start = time.monotonic()
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(url, data=body, headers=headers, timeout=timeout) as response:
            text = await response.text()
            if response.status != 200:
                raise ConnectionError(f"the app answered {response.status}")
        if self.faults.takes_ack():
            await asyncio.sleep(self.ack_seconds - (time.monotonic() - start))
            raise TimeoutError
        return _http_answer(text, response.content_type)

    def _signature(self, body: str) -> dict[str, str]:
        timestamp = str(int(time.time()))
        base = f"v0:{timestamp}:{body}".encode()
        digest = hmac.new(self.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}

    async def close(self) -> None:
        """Stop retrying and close the HTTP session."""
        for task in list(self._retries):
            task.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)
        if self._session is not None:
            await self._session.close()


def _http_body(kind: Kind, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    form: dict[str, Any] = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form), "application/x-www-form-urlencoded"


def _http_answer(text: str, content_type: str) -> Json:
    if content_type == "application/json" and text:
        parsed = json.loads(text)
        return parsed if isinstance(parsed, dict) else {}
    return {"text": text} if text else {}
