"""Redis, Valkey and Sentinel: the only package that speaks to them. ``connect`` is the way in."""

from __future__ import annotations

from actions.adapters.redis.connection import Node
from actions.adapters.redis.hands import RedisHands
from actions.adapters.redis.observe import Observer
from actions.adapters.redis.reach import Reach
from actions.kit.topology import Target

__all__ = ["Node", "Observer", "Reach", "RedisHands", "connect"]


def connect(target: Target, reach: Reach | None = None) -> RedisHands:
    """Hands on this target; nothing is connected before it is asked. Close with ``aclose``.

    Args:
        target: what it is.
        reach: where its servers are dialled; by default as its address map says.
    """
    return RedisHands(target, reach)
