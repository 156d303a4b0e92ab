"""Redis, Valkey and Sentinel: the only package that speaks to them."""

from __future__ import annotations

from actions.adapters.redis.connection import Node
from actions.adapters.redis.hands import RedisHands
from actions.adapters.redis.observe import Observer
from actions.adapters.redis.reach import Reach

__all__ = ["Node", "Observer", "Reach", "RedisHands"]
