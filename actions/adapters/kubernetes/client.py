"""One warm way to one Kubernetes API: the official client, in threads of its own, each call bounded.

The SDK brings 58 MB and half a second: it is imported by the first question, in a thread. Objects stay the JSON that
the server sent; ``actions.kit.kubernetes.parse`` reads them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from actions.adapters.kubernetes.failures import ApiDeniedError, ApiError, ApiGarbledError, from_status, unreachable
from actions.adapters.kubernetes.questions import NAMESPACES, REVIEWS, Resource, Right
from actions.kit.kubernetes.place import KubernetesPlace
from actions.kit.unasked import Reason

T = TypeVar("T")

TIMEOUT_S = 5.0
"""One question. API servers are slower than Redis: a list of events takes a tenth of a second on a busy one."""
CONNECT_S = 30.0
"""The first question loads the SDK, and may have to run what the kubeconfig says to get a token."""
AT_ONCE = 8
MOST_BYTES = 32 * 1024 * 1024
"""An answer that is longer is not read to its end; 10,000 events are 10 MB."""
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
_TYPES = {"PATCH": "application/strategic-merge-patch+json", "POST": "application/json"}


class Client:
    """Asks one API server as one user. Nothing is read or connected before the first question. Close with ``aclose``.

    Args:
        place: which cluster, and which namespace is asked by default.
        timeout_s: how long one question may take.
    """

    def __init__(self, place: KubernetesPlace, timeout_s: float = TIMEOUT_S) -> None:
        self.place = place
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="kubernetes")
        self._lock = threading.Lock()
        self._api: Any = None

    async def list(self, what: Resource, *, labels: str = "", fields: str = "") -> Any:
        """All of a kind in the namespace, as the server's JSON."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        return await self._json(Right("list", what), "GET", what.path(self.place.namespace), query)

    async def get(self, what: Resource, name: str) -> Any:
        """One object, as the server's JSON."""
        return await self._json(Right("get", what), "GET", what.path(self.place.namespace, name), name=name)

    async def patch(self, what: Resource, name: str, body: Mapping[str, Any]) -> Any:
        """Change one object by a strategic merge patch, and have it as it is then."""
        path = what.path(self.place.namespace, name)
        return await self._json(Right("patch", what), "PATCH", path, body=body, name=name)

    async def may(self, right: Right, name: str) -> bool | None:
        """Whether we have this right; everybody may ask for their own. ``None`` where it was not told."""
        about = {
            "namespace": self.place.namespace,
            "verb": right.verb,
            "group": right.resource.group,
            "resource": right.resource.plural,
            "name": name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": about},
        }
        try:
            answer = await self._json(Right("create", REVIEWS), "POST", REVIEWS.path(""), body=body)
        except ApiError:
            return None
        return bool((answer.get("status") or {}).get("allowed"))

    async def text(self, right: Right, name: str, query: Mapping[str, str], most: int) -> str:
        """A part of an object that is plain text, such as a log; at most so many bytes."""
        path = right.resource.path(self.place.namespace, name, right.subresource)
        return await self.bounded(
            lambda: self._call(right, "GET", path, query, None, name, most).decode(errors="replace")
        )

    async def aclose(self) -> None:
        """Close every connection, and let go of the threads; what is under way runs into its own time-out."""
        api, self._api = self._api, None
        if api is not None:
            api.rest_client.pool_manager.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def bounded(
        self, call: Callable[[], T], timeout_s: float = 0, *, unwanted: Callable[[T], object] | None = None
    ) -> T:
        """Run something in one of our threads, and wait for it no longer than it should take.

        Args:
            call: what is run; a thread cannot be stopped, so it goes on when nobody waits for it any more.
            timeout_s: how long it should take.
            unwanted: what is done with what it gives then, in its thread.

        Raises:
            ApiError: it took longer; or what it raises.
        """
        loop = asyncio.get_running_loop()
        try:
            if self._api is None:
                async with asyncio.timeout(CONNECT_S):
                    await loop.run_in_executor(self._threads, self._connected)
            work = self._threads.submit(call)
            try:
                async with asyncio.timeout((timeout_s or self._timeout_s) + 1):
                    return await asyncio.wrap_future(work)
            except (asyncio.CancelledError, TimeoutError):
                _give_up(work, unwanted)
                raise
        except TimeoutError as error:
            raise unreachable(self.host, error) from None

    @property
    def host(self) -> str:
        """The API server, for a person."""
        return str(self._api.configuration.host) if self._api is not None else "?"

    def fresh(self) -> Any:
        """An ApiClient of its own with our credentials: the SDK's ``stream`` swaps a method of the one it is given."""
        from kubernetes.client import ApiClient  # noqa: PLC0415 -- See above.

        return ApiClient(self._connected().configuration)

    async def _json(
        self,
        right: Right,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> Any:
        answer = await self.bounded(lambda: self._call(right, method, path, query or {}, body, name, MOST_BYTES))
        try:
            return json.loads(answer)
        except ValueError as error:
            raise ApiGarbledError(f"{self.host} answers, but not as a Kubernetes API does.", Reason.GARBAGE) from error

    def _call(
        self,
        right: Right,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        name: str,
        most: int,
    ) -> bytes:
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- See above.

        response = self.opened(right, method, path, query, body=body, name=name)
        try:
            return _read(response, most)
        except (HTTPError, OSError) as error:
            raise unreachable(self.host, error) from None

    def opened(
        self,
        right: Right,
        method: str,
        path: str,
        query: Mapping[str, str],
        *,
        body: Mapping[str, Any] | None = None,
        name: str = "",
        timeout_s: float = 0,
    ) -> Any:
        """Ask, in a thread, and give urllib3's response, of which nothing is read yet.

        Raises:
            ApiError: the server says no, or nothing.
        """
        api = self._connected()
        from kubernetes.client import ApiException  # noqa: PLC0415 -- See above.
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- See above.

        try:
            return api.call_api(
                path,
                method,
                query_params=[(key, value) for key, value in query.items() if value],
                header_params={"Accept": "application/json", **({"Content-Type": _TYPES[method]} if body else {})},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=(self._timeout_s, timeout_s or self._timeout_s),
            )
        except ApiException as error:
            what = self._named(right, name)
            raise from_status(right, what, error.status or 0, _text(error.body), self.host) from None
        except (HTTPError, OSError) as error:
            raise unreachable(self.host, error) from None

    def _named(self, right: Right, name: str) -> str:
        where = "" if right.resource is NAMESPACES else f" in namespace {self.place.namespace}"
        return f"{right.resource.plural.removesuffix('s')} {name}{where}" if name else f"{right.resource.plural}{where}"

    def _connected(self) -> Any:
        with self._lock:
            if self._api is None:
                from kubernetes.client import ApiClient  # noqa: PLC0415 -- 58 MB that most targets do without.

                self._api = ApiClient(_configuration(self.place))
            return self._api


def _give_up(work: Future[T], unwanted: Callable[[T], object] | None) -> None:
    def ended(done: Future[T]) -> None:
        if unwanted is not None and not done.cancelled() and done.exception() is None:
            unwanted(done.result())

    work.add_done_callback(ended)


def _read(response: Any, most: int) -> bytes:
    with contextlib.closing(response):
        content = bytes(response.read(most))
        if len(content) < most:
            response.drain_conn()  # So that the connection is used again.
        return content


def _configuration(place: KubernetesPlace) -> Any:
    """As kubectl finds it: the place's own context and file; else the cluster that we run in; else the current context.

    Raises:
        ApiError: there is none; says what there is.
    """
    from kubernetes import config  # noqa: PLC0415 -- It takes long to load.
    from kubernetes.client import Configuration  # noqa: PLC0415 -- As above.

    found = Configuration()
    found.retries = False  # We say when something is asked again.
    try:
        if not place.context and not place.kubeconfig and _IN_CLUSTER in os.environ:
            config.load_incluster_config(client_configuration=found)
        else:
            file, context = place.kubeconfig or None, place.context or None
            config.load_kube_config(file, context, client_configuration=found, persist_config=False)
    except Exception as error:
        raise _no_configuration(place, error, config) from error
    return found


def _no_configuration(place: KubernetesPlace, error: Exception, config: Any) -> ApiError:
    file = place.kubeconfig or "the kubeconfig"
    try:
        contexts = _contexts(config, place.kubeconfig)
    except Exception:  # noqa: BLE001 -- A file that cannot be read has been said to be so already.
        contexts = []
    if place.context and contexts and place.context not in contexts:
        known = ", ".join(sorted(contexts))
        return ApiDeniedError(f"There is no context {place.context} in {file}; there are {known}.", Reason.NOAUTH)
    words = " ".join(str(error).split())
    return ApiDeniedError(f"Nothing says how to reach Kubernetes: {file} cannot be used ({words})", Reason.NOAUTH)


def _contexts(config: Any, file: str) -> Iterable[str]:
    merged = config.kube_config.KubeConfigMerger(file or config.KUBE_CONFIG_DEFAULT_LOCATION).config
    return [str(one.value["name"]) for one in merged["contexts"]]


def _text(body: object) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
