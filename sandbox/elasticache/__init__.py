"""A local ElastiCache that speaks the real wire protocol to boto3, with real Redis servers underneath.

It proves nothing about the real AWS: requests and answers are checked against botocore's own service model, and the
rules are those that AWS publishes.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from sandbox.elasticache.auth import User
from sandbox.elasticache.events import Event
from sandbox.elasticache.faults import Faults, Mishap
from sandbox.elasticache.load import cluster_load, write_load
from sandbox.elasticache.server import Call, LocalElastiCache
from sandbox.elasticache.state import Group, Member, NodeGroup
from sandbox.elasticache.world import Timing

__all__ = [
    "Call",
    "Event",
    "Faults",
    "Group",
    "LocalElastiCache",
    "Member",
    "Mishap",
    "NodeGroup",
    "Timing",
    "User",
    "cluster_load",
    "elasticache",
    "write_load",
]


@contextlib.asynccontextmanager
async def elasticache(**settings: Any) -> AsyncIterator[LocalElastiCache]:
    """An account in one region, without any group yet; the keywords are the fields of LocalElastiCache."""
    async with LocalElastiCache(**settings) as aws:
        yield aws
