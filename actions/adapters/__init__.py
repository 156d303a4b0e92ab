"""The only modules that import the SDK of the outside thing that they speak to. ``connect`` is the way in."""

from __future__ import annotations

from actions.adapters.hands import TargetHands
from actions.adapters.redis import Reach
from actions.kit.topology import Target

__all__ = ["TargetHands", "connect"]


def connect(target: Target, reach: Reach | None = None) -> TargetHands:
    """Hands on this target; nothing is connected before it is asked. Close with ``aclose``.

    Args:
        target: what it is.
        reach: where its servers are dialled; by default as its address map says.
    """
    return TargetHands(target, reach)
