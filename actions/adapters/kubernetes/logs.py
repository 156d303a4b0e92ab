"""Reads the logs of an application's pods, bounded, and hands on only what was counted in them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.questions import PODS, Right
from actions.kit.errors import ActionError
from actions.kit.kubernetes.logs import LogSearch, search
from actions.kit.kubernetes.view import ApplicationView

READS = Right("get", PODS, "log")
MOST_LINES = 10_000
MOST_BYTES = 4 * 1024 * 1024
MOST_PODS = 30
"""Of more pods the first ones speak for the others."""


async def search_logs(client: Client, app: ApplicationView, since: datetime) -> LogSearch:
    """Search the application's container in each pod from then on; a pod whose log cannot be read is named."""
    names = [pod.name for pod in app.pods if pod.phase == "Running"][:MOST_PODS]
    query = {
        "container": app.container,
        "sinceTime": since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "timestamps": "true",
        "tailLines": str(MOST_LINES),
    }
    answers = await asyncio.gather(
        *(client.text(READS, name, query, MOST_BYTES) for name in names), return_exceptions=True
    )
    unread = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, ActionError):
            unread.append(f"{name} ({answer})")
        elif isinstance(answer, BaseException):
            raise answer
    return search((answer for answer in answers if isinstance(answer, str)), tuple(unread))
