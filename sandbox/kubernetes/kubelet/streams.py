"""Answers requests for a pod's logs, for commands in it and for connections to it."""

import asyncio

from aiohttp import web

from sandbox.kubernetes.api.errors import Refused, bad_request
from sandbox.kubernetes.api.requests import Asked, is_set
from sandbox.kubernetes.api.resources import PODS, Json
from sandbox.kubernetes.api.store import Store
from sandbox.kubernetes.kubelet import commands, forwarding
from sandbox.kubernetes.kubelet.container import Container
from sandbox.kubernetes.kubelet.logs import Wanted
from sandbox.kubernetes.kubelet.node import Kubelet

_FOLLOW_S = 0.1


class PodStreams:
    """What the API server passes on to the node."""

    def __init__(self, store: Store, kubelet: Kubelet) -> None:
        self._store = store
        self._kubelet = kubelet

    async def serve(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Answer it.

        Raises:
            Refused: there is no such pod or container, or it is in no state for that.
        """
        pod = self._store.get(PODS, asked.namespace, asked.name)
        if asked.subresource == "portforward":
            return await self._forward(request, pod)
        name = _chosen(pod, request.query.get("container", ""))
        if not pod["spec"].get("nodeName"):
            raise bad_request(f"pod {asked.name} does not have a host assigned")
        container = self._kubelet.pod(asked.namespace, asked.name).containers[name]
        if asked.subresource == "log":
            return await _log(request, asked.name, container)
        command = request.query.getall("command", [])
        if not command:
            raise bad_request("you must specify at least 1 command for the container")
        _check_upgrade(request)
        if not container.running:
            raise Refused(500, "InternalError", f'unable to upgrade connection: container not found ("{name}")')
        return await commands.execute(request, container, command)

    async def _forward(self, request: web.Request, pod: Json) -> web.WebSocketResponse:
        name, phase = pod["metadata"]["name"], pod["status"]["phase"]
        if phase != "Running":
            raise Refused(
                500, "InternalError", f"unable to forward port because pod is not running. Current status={phase}"
            )
        ports = [text for listed in request.query.getall("ports", []) for text in listed.split(",")]
        if not ports or not all(text.isdigit() for text in ports):
            raise bad_request(f"query parameter 'ports' is required and holds numbers: {ports}")
        _check_upgrade(request)
        return await forwarding.forward(request, name, pod["status"]["podIP"], [int(text) for text in ports])


def _chosen(pod: Json, wanted: str) -> str:
    """The container that is meant, which with several of them has to be said."""
    pod_name = pod["metadata"]["name"]
    names = [container["name"] for container in pod["spec"]["containers"]]
    if wanted and wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {pod_name}")
    if not wanted and len(names) > 1:
        listed = " ".join(names)
        raise bad_request(f"a container name must be specified for pod {pod_name}, choose one of: [{listed}]")
    return wanted or names[0]


def _check_upgrade(request: web.Request) -> None:
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise bad_request("unable to upgrade: missing upgrade headers in request: http.Header{}")


async def _log(request: web.Request, pod: str, container: Container) -> web.StreamResponse:
    query = request.query
    wanted, previous = Wanted(query), is_set(query, "previous")
    path = container.log(previous=previous)
    if previous and not path.exists():
        raise bad_request(f'previous terminated container "{container.name}" in pod "{pod}" not found')
    waiting = container.state.get("waiting")
    if waiting and not container.restarts and not path.exists():
        why = {"ImagePullBackOff": "trying and failing to pull image", "ErrImagePull": "image can't be pulled"}
        reason = why.get(waiting["reason"], waiting["reason"])
        raise bad_request(f'container "{container.name}" in pod "{pod}" is waiting to start: {reason}')
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    content = path.read_bytes() if path.exists() else b""
    await response.write(wanted.cut(content))
    running = is_set(query, "follow") and not previous
    while running:
        running = container.running
        await asyncio.sleep(_FOLLOW_S)
        grown = path.read_bytes()[len(content) :]
        await response.write(wanted.shown(grown.splitlines(keepends=True)))
        content += grown
    return response
