"""Runs a program in a pod, as ``kubectl exec``: its words as they are, its streams over one connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.forward import handshake_failed
from actions.adapters.kubernetes.questions import PODS, Right

EXECUTES = Right("create", PODS, "exec")
STDOUT, STDERR, ERRORS = 1, 2, 3
"""The streams that come back; the last says how it ended."""


def open_exec(client: Client, pod: str, container: str, command: Sequence[str]) -> Any:
    """Start it, and give the SDK's stream; it blocks, and belongs into a thread. Close with ``sock.shutdown``.

    Raises:
        ApiError: it was refused, or there was no answer.
    """
    from kubernetes.client import ApiException, CoreV1Api  # noqa: PLC0415 -- 58 MB that most targets do without.
    from kubernetes.stream import stream  # noqa: PLC0415 -- It takes long to load.

    connect = CoreV1Api(client.fresh()).connect_get_namespaced_pod_exec
    try:
        return stream(
            connect,
            pod,
            client.place.namespace,
            container=container,
            command=list(command),
            stdin=True,
            stdout=True,
            stderr=True,
            tty=False,
            _preload_content=False,
        )
    except (ApiException, AttributeError) as error:
        raise handshake_failed(client, EXECUTES, pod, error) from None


def message_of(status: object) -> str:
    """What the stream says that tells how it ended."""
    try:
        return str(json.loads(str(status)).get("message") or "")
    except (ValueError, AttributeError):
        return str(status)


def exit_code_of(status: object) -> int | None:
    """The same as a number; ``None`` where the program was not started, or the stream broke off."""
    try:
        told = json.loads(str(status))
        if told["status"] == "Success":
            return 0
        return next(int(cause["message"]) for cause in told["details"]["causes"] if cause.get("reason") == "ExitCode")
    except (ValueError, LookupError, TypeError, StopIteration):
        return None
