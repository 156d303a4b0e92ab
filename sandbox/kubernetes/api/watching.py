"""Streams changes to whoever watches: one JSON object a line, with bookmarks, and 410 to who comes too late."""

import asyncio
import json
import time

from aiohttp import web

from sandbox.kubernetes.api.errors import bad_request, expired
from sandbox.kubernetes.api.objects import selected
from sandbox.kubernetes.api.requests import Asked, is_set
from sandbox.kubernetes.api.resources import Json
from sandbox.kubernetes.api.selectors import Matches
from sandbox.kubernetes.api.store import Change, Store

_LONGEST_S = 1800.0


async def watch(store: Store, asked: Asked, request: web.Request, bookmark_s: float) -> web.StreamResponse:
    """Answer until the client or its time-out ends it; a bookmark comes after so many quiet seconds.

    Raises:
        Refused: 400 for a selector or version that makes no sense.
    """
    matches = selected(asked)
    version = _version(asked.query.get("resourceVersion", ""))
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    stream = _Stream(store, asked, matches, response)
    if version and not store.remembers(version):
        message = f"too old resource version: {version} ({store.forgotten})"
        await stream.send("ERROR", expired(message).status())
        return response
    await stream.follow(version, float(asked.query.get("timeoutSeconds") or _LONGEST_S), bookmark_s)
    return response


def _version(text: str) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise bad_request(f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: invalid syntax') from None


class _Stream:
    def __init__(self, store: Store, asked: Asked, matches: Matches, response: web.StreamResponse) -> None:
        self._store = store
        self._asked = asked
        self._matches = matches
        self._response = response
        self._bookmarks = is_set(asked.query, "allowWatchBookmarks")

    async def send(self, kind: str, thing: Json) -> None:
        await self._response.write(json.dumps({"type": kind, "object": thing}).encode() + b"\n")

    async def follow(self, version: int, timeout_s: float, bookmark_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        with self._store.woken() as changed:
            at = version or await self._first()
            while (left := deadline - time.monotonic()) > 0:
                changed.clear()
                at = await self._send_since(at)
                try:
                    async with asyncio.timeout(min(left, bookmark_s)):
                        await changed.wait()
                except TimeoutError:
                    await self._bookmark(at)

    async def _first(self) -> int:
        """Who names no version is first told what there is."""
        at = self._store.version
        for thing in self._store.select(self._asked.resource, self._asked.namespace, self._matches):
            await self.send("ADDED", thing)
        return at

    async def _send_since(self, version: int) -> int:
        at = self._store.version
        for change in self._store.since(version, self._asked.resource):
            if told := self._told(change):
                await self.send(*told)
        return at

    def _told(self, change: Change) -> tuple[str, Json] | None:
        """What leaves the selection is deleted for this watcher, what enters it is new."""
        before, after = self._wanted(change.before), self._wanted(change.after)
        if after is not None:
            return ("ADDED" if before is None else "MODIFIED"), after
        if before is None:
            return None
        metadata = {**before["metadata"], "resourceVersion": str(change.version)}
        return "DELETED", {**(change.after or before), "metadata": metadata}

    def _wanted(self, thing: Json | None) -> Json | None:
        if thing is None or not self._matches(thing):
            return None
        return thing if self._asked.namespace in ("", thing["metadata"].get("namespace")) else None

    async def _bookmark(self, version: int) -> None:
        if self._bookmarks:
            resource = self._asked.resource
            kind = {"kind": resource.kind, "apiVersion": resource.api_version}
            await self.send("BOOKMARK", {**kind, "metadata": {"resourceVersion": str(version)}})
