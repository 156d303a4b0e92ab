"""Runs all writers of a load at once."""

import asyncio

from sandbox.redis.cluster_writers import ClusterWriter
from sandbox.redis.writers import Acknowledged, LoadSpec, Writer


async def write(spec: LoadSpec, acknowledged: Acknowledged) -> None:
    """Run them until cancelled."""
    kind = ClusterWriter if spec.discovery == "slots" else Writer
    async with asyncio.TaskGroup() as group:
        for writer in range(spec.writers):
            group.create_task(kind(spec, writer, acknowledged).run())
