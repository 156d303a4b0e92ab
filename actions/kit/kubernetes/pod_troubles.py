"""What the change of a pod means to the Redis in it: trouble, or none. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from actions.kit.kubernetes.view import ContainerView, PodView

_CANNOT_START = frozenset(
    {"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError", "CreateContainerError"}
)
_OUT_OF_MEMORY = "OOMKilled"


class Trouble(NamedTuple):
    """An alert's name, how bad it is, and what happened in a sentence."""

    name: str
    severity: str
    sentence: str


def troubles(before: PodView | None, after: PodView | None) -> tuple[Trouble, ...]:
    """What was not there before. A pod that is new, or comes to itself, is none."""
    return tuple(_troubles(before, after)) if before is not None else ()


def _troubles(before: PodView, after: PodView | None) -> Iterator[Trouble]:
    name = before.name
    if after is None or (after.leaving and not before.leaving):
        if not before.leaving:
            yield Trouble("PodDeleted", "warning", f"Pod {name} is being deleted.")
        return
    if after.leaving:
        return
    if after.phase == "Failed" and before.phase != "Failed":
        yield Trouble("PodFailed", "critical", f"Pod {name} has failed{_because(after.reason)}.")
    known = {one.name: one for one in before.containers}
    own = [trouble for one in after.containers for trouble in _of_container(name, known.get(one.name), one)]
    yield from own
    if before.ready and not after.ready and not own:
        yield Trouble("PodNotReady", "warning", f"Pod {name} is not ready any more{_because(after.reason)}.")


def _of_container(pod: str, before: ContainerView | None, after: ContainerView) -> Iterator[Trouble]:
    was = before or ContainerView(after.name)
    which = f"Container {after.name} of pod {pod}"
    ended_now = after.reason == _OUT_OF_MEMORY and was.reason != _OUT_OF_MEMORY
    restarted = after.restarts > was.restarts
    if ended_now or (restarted and after.last_reason.startswith(_OUT_OF_MEMORY) and was.reason != _OUT_OF_MEMORY):
        yield Trouble("PodOutOfMemory", "critical", f"{which} was killed: it had used more memory than its limit.")
    elif after.reason in _CANNOT_START and was.reason not in _CANNOT_START:
        yield Trouble(
            "PodCannotStart", "critical", f"{which} cannot start ({after.reason}){_because(after.last_reason)}."
        )
    elif restarted and was.reason not in _CANNOT_START and was.reason != _OUT_OF_MEMORY:
        yield Trouble("PodRestarted", "warning", f"{which} has restarted{_because(after.last_reason)}.")


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
