"""The HTTP side of the API server: who asks, may they, and which part answers."""

import asyncio
import json
import socket
from collections import deque
from types import TracebackType
from typing import Any, Protocol, Self

from aiohttp import web

from sandbox.kubernetes.api import access, discovery, objects, requests, watching
from sandbox.kubernetes.api.access import Access, User
from sandbox.kubernetes.api.errors import Refused, bad_request, method_not_allowed
from sandbox.kubernetes.api.faults import ApiFaults
from sandbox.kubernetes.api.requests import Asked
from sandbox.kubernetes.api.resources import Json
from sandbox.kubernetes.api.store import Store

_PUBLIC = {"/version", "/healthz", "/livez", "/readyz"}
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_MAX_BODY = 3 * 1024 * 1024
_LET_IN_S = 0.01
_REMEMBERED = 10_000


class Streams(Protocol):
    """What only the node can answer: a pod's logs, commands in it, connections to it."""

    async def serve(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Answer a request for pods/log, pods/exec or pods/portforward; Refused where that cannot be."""


class ApiServer:
    """An API server on a free port of this machine; an async context manager.

    `bookmark_s` is how long a watcher sees nothing before it is sent a bookmark.
    """

    def __init__(self, store: Store, users: Access, streams: Streams, *, bookmark_s: float) -> None:
        self._store = store
        self._access = users
        self._streams = streams
        self._bookmark_s = bookmark_s
        self.faults = ApiFaults()
        self._host, self._port = "127.0.0.1", 0
        self._runner: web.AppRunner | None = None
        self._socket: socket.socket | None = None
        self._site: web.SockSite | None = None
        self.requests: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)
        """The verb and resource of the last requests for objects, in order: ("list", "pods")."""

    @property
    def url(self) -> str:
        """Where it is; the same after `switch_off` and `switch_on`."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await self.switch_on()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def switch_on(self) -> None:
        """Let it be reached, where it was before."""
        if self._runner is not None:
            self._socket = socket.create_server((self._host, self._port))
            self._port = int(self._socket.getsockname()[1])
            self._site = web.SockSite(self._runner, self._socket)
            await self._site.start()

    async def switch_off(self) -> None:
        """Break every connection and refuse new ones; the cluster goes on without it."""
        if self._site is None or self._socket is None or self._runner is None or self._runner.server is None:
            return
        # asyncio loses a connection that it has accepted, and not yet taken in, when its server is closed.
        asyncio.get_running_loop().remove_reader(self._socket)
        await asyncio.sleep(_LET_IN_S)
        await self._site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Refused as refused:
            headers = {"Retry-After": "1"} if refused.code == 429 else None
            return web.json_response(refused.status(), status=refused.code, headers=headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        header = request.headers.get("Authorization", "")
        if request.path in _PUBLIC and not header:
            return _public(request.path)
        user = self._access.who(header)
        if request.path in _PUBLIC:
            await self.faults.meet("get", request.path.strip("/"))
            return _public(request.path)
        if described := discovery.described(request.path):
            return web.json_response(described)
        body = await _body(request)
        if request.path == _REVIEW:
            await self.faults.meet("create", "selfsubjectaccessreviews")
            return web.json_response(_review(user, body), status=201)
        asked = requests.read(request.method, request.path, request.query)
        return await self._answer_objects(request, user, asked, body)

    async def _answer_objects(self, request: web.Request, user: User, asked: Asked, body: Any) -> web.StreamResponse:
        questions = asked.questions
        self.requests.append((questions[0].verb, questions[0].resource))
        await self.faults.meet(questions[0].verb, questions[0].resource)
        for question in questions:
            access.check(user, question)
        if asked.verb == "watch":
            return await watching.watch(self._store, asked, request, self._bookmark_s)
        if asked.subresource in {"log", "exec", "portforward"}:
            if asked.verb != "get":
                # Upgrades by POST are SPDY's, which newer clients do not speak any more.
                raise method_not_allowed()
            return await self._streams.serve(request, asked)
        code, answer = objects.answer(self._store, asked, body, request.content_type)
        return web.json_response(answer, status=code)


async def _body(request: web.Request) -> Any:
    raw = await request.read()
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError as error:
        raise bad_request(f"the body of the request cannot be read: {error}") from error


def _public(path: str) -> web.Response:
    return web.json_response(discovery.VERSION) if path == "/version" else web.Response(text="ok")


def _review(user: User, body: Any) -> Json:
    """What the sender may do, which everybody may ask."""
    spec = (body or {}).get("spec") or {}
    about = spec.get("resourceAttributes") or {}
    resource = "/".join(filter(None, (about.get("resource", ""), about.get("subresource", ""))))
    place = (about.get("group", ""), about.get("namespace", ""), about.get("name", ""))
    allowed = user.may(access.Question(about.get("verb", ""), resource, *place))
    review = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
    return {**review, "spec": spec, "status": {"allowed": allowed}}
