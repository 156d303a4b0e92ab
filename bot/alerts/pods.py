"""Follows the pods of the targets that live on Kubernetes: what becomes of one is known before Redis is missed.

Targets in one namespace share a watch. The pods also tell where Redis and the Sentinels are, where those are dialled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace

from actions.adapters.kubernetes.watching import PodChange
from actions.kit.errors import ActionError
from actions.kit.kubernetes.addresses import nodes_of, sentinels_of
from actions.kit.kubernetes.place import KubernetesPlace, Way
from actions.kit.kubernetes.pod_troubles import troubles
from actions.kit.kubernetes.view import KubernetesView, PodView
from actions.kit.topology import Address, Target
from bot.alerts.telling import Teller, own_alert
from bot.logs import Standing
from bot.render.words import plain

log = logging.getLogger(__name__)

AGAIN_S, LONGEST_S = 1.0, 60.0
"""A watch that broke is begun again after this, and each time after twice as long, up to the second."""

Changes = Callable[[KubernetesPlace, Iterable[str]], AsyncGenerator[PodChange]]
Found = Callable[[Target, Iterable[Address], Iterable[Address], Iterable[Address]], None]
"""Is told of a target's nodes and Sentinels in pods, and of the nodes that are gone with theirs."""


class PodWatch:
    """One for each process.

    Args:
        targets: those that live on Kubernetes are followed.
        teller: where goes what is noticed.
        changes: follows the pods of releases in one namespace.
        found: see ``Found``.
    """

    def __init__(self, targets: Iterable[Target], teller: Teller, changes: Changes, found: Found) -> None:
        self._teller, self._changes, self._found = teller, changes, found
        self._places: dict[KubernetesPlace, dict[str, Target]] = {}
        for target in targets:
            home = target.kubernetes
            if home is not None and home.release:
                shared = replace(home, release="", reach=Way.DIRECT, application=None)
                self._places.setdefault(shared, {})[home.release] = target
        self._tasks: list[asyncio.Task[None]] = []
        self._standing = Standing(log)

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._follow(place, named)) for place, named in self._places.items()]

    async def aclose(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, place: KubernetesPlace, targets: dict[str, Target]) -> None:
        pause_s = AGAIN_S
        while True:
            try:
                async with aclosing(self._changes(place, targets)) as changes:
                    async for change in changes:
                        pause_s = AGAIN_S
                        self._standing.over(place)
                        if (target := targets.get(change.release)) is not None:
                            self._changed(target, change)
            except ActionError as error:
                why = "the pods in namespace %s are not followed: %s"
                self._standing.tell(place, logging.WARNING, why, place.namespace, error)
            except Exception:
                log.exception("what happens to the pods in namespace %s could not be worked on", place.namespace)
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_S, pause_s * 2)

    def _changed(self, target: Target, change: PodChange) -> None:
        self._tell_where(target, change)
        if change.listed:
            return
        found = troubles(change.before, change.after)
        for trouble in found:
            pod = change.before or change.after
            name = pod.name if pod is not None else ""
            about = f"pod:{target.name}:{name}:{trouble.name}"
            self._teller.tell(
                target.name, own_alert(about, trouble.name, trouble.severity, plain(trouble.sentence, 400), pod=name)
            )
        if not found and _is_news(change.before, change.after):
            self._teller.look_again(target.name)

    def _tell_where(self, target: Target, change: PodChange) -> None:
        before, after = _addresses(change.before), _addresses(change.after)
        gone = [address for address in before[0] if address not in after[0]]
        if gone or (change.after is not None and before != after):
            self._found(target, *after, gone)


def _is_news(before: PodView | None, after: PodView | None) -> bool:
    """It has come, gone, or become ready."""
    if before is None or after is None:
        return before is not after
    return after.ready and not before.ready


def _addresses(pod: PodView | None) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """The Redis and the Sentinel in a pod."""
    view = KubernetesView("", "", pods=(pod,) if pod is not None else ())
    return nodes_of(view), sentinels_of(view)
