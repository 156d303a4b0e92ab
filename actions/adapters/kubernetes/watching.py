"""Follows the pods of releases in one namespace by a watch: from a list onwards, for as long as anybody listens.

A thread of its own reads the stream, and is woken by closing its socket. A watch is asked anew each minute, which a
connection that is dead without saying so does not survive. One that comes too late (410) begins with a list again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.failures import ApiGarbledError, unreachable
from actions.adapters.kubernetes.questions import PODS, Right
from actions.kit.kubernetes import parse
from actions.kit.kubernetes.place import KubernetesPlace
from actions.kit.kubernetes.view import PodView
from actions.kit.unasked import Reason

EACH_S = 60
"""A watch lasts so long, and then goes on where it was."""
SLACK_S = 10.0
MOST_BYTES = 4 * 1024 * 1024
"""Of one line: etcd keeps no object larger than half of that."""
_GONE = 410


@dataclass(frozen=True, slots=True)
class PodChange:
    """What has become of one pod. ``before`` is ``None`` of a new one, ``after`` of one that is gone.

    ``listed``: it was found in the first list, and need not have changed at all.
    """

    release: str
    before: PodView | None
    after: PodView | None
    listed: bool = False


async def pod_changes(place: KubernetesPlace, releases: Iterable[str]) -> AsyncGenerator[PodChange]:
    """Every change of the pods of these releases. Ends only by an error or by being closed.

    Args:
        place: which cluster and namespace; its own release does not matter.
        releases: by the label that Helm's charts put on them.

    Raises:
        ApiError: the API server cannot be reached, says no, or the stream broke. It may be begun again.
    """
    feed = _Feed(place, tuple(releases))
    try:
        async for change in feed.changes():
            yield change
    finally:
        await feed.aclose()


class _Feed:
    def __init__(self, place: KubernetesPlace, releases: tuple[str, ...]) -> None:
        self._client = Client(place)
        self._labels = f"{parse.RELEASE} in ({','.join(sorted(releases))})"
        self._pods: dict[str, tuple[str, PodView]] = {}
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="kubernetes-watch")
        self._response: Any = None
        self._closed = False

    async def changes(self) -> AsyncGenerator[PodChange]:
        version, listed = "", False
        while True:
            if not version:
                answer = await self._client.list(PODS, labels=self._labels)
                version = str((answer.get("metadata") or {}).get("resourceVersion") or "")
                for change in self._listed(answer, first=not listed):
                    yield change
                listed = True
            async for kind, thing in self._watched(version):
                if kind == "ERROR":
                    if thing.get("code") != _GONE:
                        raise ApiGarbledError(f"A watch ended: {str(thing.get('message'))[:200]}", Reason.GARBAGE)
                    version = ""
                    break
                version = str((thing.get("metadata") or {}).get("resourceVersion") or version)
                if kind in {"ADDED", "MODIFIED", "DELETED"}:
                    yield self._changed(kind, thing)

    def _listed(self, answer: Any, *, first: bool) -> Iterator[PodChange]:
        found = {view.name: (release, view) for release, view in parse.items(answer, _pod)}
        for name, (release, view) in found.items():
            before = self._pods.get(name)
            yield PodChange(release, before[1] if before else None, view, listed=first)
        for name, (release, view) in self._pods.items():
            if name not in found:
                yield PodChange(release, view, None)
        self._pods = found

    def _changed(self, kind: str, thing: Any) -> PodChange:
        release, view = parse.read(thing, _pod)
        before = self._pods.pop(view.name, None)
        if kind != "DELETED":
            self._pods[view.name] = (release, view)
        return PodChange(release, before[1] if before else None, None if kind == "DELETED" else view)

    async def _watched(self, version: str) -> AsyncGenerator[tuple[str, Any]]:
        """What one watch tells; ends when its time is over."""
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()

        def tell(one: tuple[str, Any] | None) -> None:
            loop.call_soon_threadsafe(told.put_nowait, one)

        await self._client.bounded(lambda: None)  # It loads the SDK, and reads the kubeconfig.
        reading = loop.run_in_executor(self._threads, self._read, version, tell)
        try:
            while (one := await told.get()) is not None:
                yield one
            await reading
        finally:
            self._wake()
            with contextlib.suppress(Exception):
                await reading

    def _read(self, version: str, tell: Callable[[tuple[str, Any] | None], None]) -> None:
        """In the thread. Whatever happens, it ends by ``None``."""
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- The SDK brings it; see the client.

        query = {
            "watch": "1",
            "labelSelector": self._labels,
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(EACH_S),
        }
        try:
            right, path = Right("watch", PODS), PODS.path(self._client.place.namespace)
            self._response = self._client.opened(right, "GET", path, query, timeout_s=EACH_S + SLACK_S)
            with contextlib.closing(self._response):
                for line in () if self._closed else _lines(self._response):
                    tell(_event(line))
        except (HTTPError, OSError) as error:
            if not self._closed:
                raise unreachable(self._client.host, error) from None
        finally:
            self._response = None
            tell(None)

    def _wake(self) -> None:
        """Let the thread come to its end, whatever it waits for."""
        response = self._response
        if response is not None:
            with contextlib.suppress(ValueError, RuntimeError, OSError, AttributeError):
                response.shutdown()

    async def aclose(self) -> None:
        self._closed = True
        self._wake()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._client.aclose()


def _lines(response: Any) -> Iterator[bytes]:
    kept = b""
    for chunk in response.stream(65_536):
        *lines, kept = (kept + chunk).split(b"\n")
        yield from filter(None, lines)
        if len(kept) > MOST_BYTES:
            raise ApiGarbledError("A watch sent a line without an end.", Reason.GARBAGE)


def _event(line: bytes) -> tuple[str, Any]:
    try:
        event = json.loads(line)
        return str(event["type"]), dict(event["object"])
    except (ValueError, KeyError, TypeError) as error:
        raise ApiGarbledError("A watch sent what is no event.", Reason.GARBAGE) from error


def _pod(one: Any) -> tuple[str, PodView]:
    return str(parse.labels_of(one).get(parse.RELEASE, "")), parse.pod(one)
