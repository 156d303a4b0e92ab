"""Redis, Valkey and Sentinel: the only package that speaks to them. ``connect`` is the way in."""

from __future__ import annotations

from actions.adapters.redis.connection import Node
from actions.adapters.redis.hands import RedisHands
from actions.adapters.redis.observe import Observer
from actions.kit.topology import Target

__all__ = ["Node", "Observer", "RedisHands", "connect"]


def connect(target: Target) -> RedisHands:
    """Hands on this target; nothing is connected before it is asked. Close with ``aclose``."""
    return RedisHands(target)
